"""Who serves seldom looks for garbage, and never in what was loaded before it began."""

import asyncio
import gc
import runpy
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command

from nexapay.kernel import garbage

pytestmark = pytest.mark.usefixtures("collector")
CONFIG = Path(__file__).resolve().parents[2] / "docker" / "gunicorn.py"


class TestAWebWorker:
    def test_leaves_alone_what_was_loaded(self) -> None:
        hooks = runpy.run_path(str(CONFIG))
        hooks["pre_fork"](None, None)

        assert gc.get_freeze_count() > 10_000

    def test_looks_seldom(self, collector: tuple[int, int, int]) -> None:
        hooks = runpy.run_path(str(CONFIG))
        hooks["pre_fork"](None, None)  # What is forked then has it from there.

        assert gc.get_threshold() == (garbage.OBJECTS, *collector[1:])
        assert collector[0] < garbage.OBJECTS


class TestTheQueuesWorker:
    @pytest.fixture(autouse=True)
    def at_work(self, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
        """How it works, noted where its work begins."""
        seen: dict[str, Any] = {}

        def run(work: Coroutine[Any, Any, bool]) -> bool:
            seen.update(frozen=gc.get_freeze_count(), thresholds=gc.get_threshold())
            work.close()
            return True

        monkeypatch.setattr(asyncio, "run", run)
        return seen

    def test_leaves_alone_what_was_loaded(self, at_work: dict[str, Any]) -> None:
        call_command("worker")

        assert at_work["frozen"] > 10_000

    def test_looks_seldom(self, at_work: dict[str, Any], collector: tuple[int, int, int]) -> None:
        call_command("worker")

        assert at_work["thresholds"] == (garbage.OBJECTS, *collector[1:])
