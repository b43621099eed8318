"""Who serves seldom looks for garbage, and never in what was loaded before it began."""

import asyncio
import gc
import runpy
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from django.core.management import call_command

from nexapay.kernel import garbage

CONFIG = Path(__file__).resolve().parents[2] / "docker" / "gunicorn.py"


@pytest.fixture(autouse=True)
def before() -> Iterator[tuple[int, int, int]]:
    """What Python does by itself, which the other tests get back."""
    thresholds = gc.get_threshold()
    yield thresholds
    gc.unfreeze()
    gc.set_threshold(*thresholds)


class TestAWebWorker:
    def test_leaves_alone_what_was_loaded(self) -> None:
        hooks = runpy.run_path(str(CONFIG))
        hooks["pre_fork"](None, None)

        assert gc.get_freeze_count() > 10_000

    def test_looks_seldom(self, before: tuple[int, int, int]) -> None:
        hooks = runpy.run_path(str(CONFIG))
        hooks["post_fork"].__globals__["die_with_parent"] = lambda _: None
        hooks["post_fork"](None, SimpleNamespace(ppid=0))

        assert gc.get_threshold() == (garbage.OBJECTS, *before[1:])
        assert before[0] < garbage.OBJECTS


class TestTheQueuesWorker:
    @pytest.fixture(autouse=True)
    def told_at_once(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(asyncio, "run", lambda work: work.close() or True)

    def test_leaves_alone_what_was_loaded(self) -> None:
        call_command("worker")

        assert gc.get_freeze_count() > 10_000

    def test_looks_seldom(self, before: tuple[int, int, int]) -> None:
        call_command("worker")

        assert gc.get_threshold() == (garbage.OBJECTS, *before[1:])
