"""The site brings its database's keeper back, and does not hammer on one that cannot live."""

from pathlib import Path

import pytest

from nexapay import devdb, serving
from nexapay.serving import Keeping


class Clock:
    """Stands in for time and for the keeper."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.starts: list[float] = []
        self.is_kept = False

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    stand_in = Clock()
    monkeypatch.setattr(devdb, "is_kept", lambda _folder: stand_in.is_kept)
    monkeypatch.setattr(devdb, "serves", lambda _folder: stand_in.is_kept)
    monkeypatch.setattr(devdb, "why_not", lambda _folder: "failed: no space left")
    monkeypatch.setattr(devdb, "start", lambda _folder: stand_in.starts.append(stand_in.now))
    monkeypatch.setattr(serving, "say", lambda _text: None)
    return stand_in


def watch(keeping: Keeping, clock: Clock, seconds: int) -> None:
    for _ in range(seconds * 10):
        keeping.tick()
        clock.now += 0.1


class TestTheKeeper:
    def test_is_started_at_once_when_it_is_gone(self, tmp_path: Path, clock: Clock) -> None:
        Keeping(tmp_path, clock.monotonic).tick()

        assert clock.starts == [1000.0]

    def test_is_left_alone_while_it_lives(self, tmp_path: Path, clock: Clock) -> None:
        clock.is_kept = True

        watch(Keeping(tmp_path, clock.monotonic), clock, 60)

        assert clock.starts == []

    def test_is_tried_ever_less_often_while_it_fails(self, tmp_path: Path, clock: Clock) -> None:
        watch(Keeping(tmp_path, clock.monotonic), clock, 600)

        before_last, last = clock.starts[-2:]
        assert len(clock.starts) < 20
        assert last - before_last == pytest.approx(serving.LONGEST_KEEPER_BACKOFF_S, abs=1)

    def test_is_started_at_once_again_when_it_had_settled(
        self, tmp_path: Path, clock: Clock
    ) -> None:
        keeping = Keeping(tmp_path, clock.monotonic)
        watch(keeping, clock, 60)
        clock.is_kept = True
        watch(keeping, clock, 120)
        clock.is_kept = False
        clock.starts.clear()

        watch(keeping, clock, 1)

        assert len(clock.starts) >= 2
