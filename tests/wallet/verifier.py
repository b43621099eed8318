"""The program that people check receipts with, as a module."""

from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

PROGRAM = Path(__file__).resolve().parents[2] / "docs" / "verify_receipt.py"
_spec = spec_from_file_location("verify_receipt", PROGRAM)
assert _spec
assert _spec.loader
program: Any = module_from_spec(_spec)
_spec.loader.exec_module(program)
