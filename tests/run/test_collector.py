"""Web workers seldom look for garbage, and never in what was loaded before them."""

import gc
import runpy
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

CONFIG = Path(__file__).resolve().parents[2] / "docker" / "gunicorn.py"


class TestAWorker:
    @pytest.fixture(autouse=True)
    def as_it_was(self) -> Iterator[None]:
        before = gc.get_threshold()
        yield
        gc.unfreeze()
        gc.set_threshold(*before)

    def test_leaves_alone_what_was_loaded(self) -> None:
        hooks = runpy.run_path(str(CONFIG))
        hooks["pre_fork"](None, None)

        assert gc.get_freeze_count() > 10_000

    def test_looks_seldom(self) -> None:
        before, hooks = gc.get_threshold(), runpy.run_path(str(CONFIG))
        hooks["post_fork"].__globals__["die_with_parent"] = lambda _: None
        hooks["post_fork"](None, SimpleNamespace(ppid=0))

        assert gc.get_threshold() == (hooks["GARBAGE"], *before[1:])
        assert hooks["GARBAGE"] > before[0]
