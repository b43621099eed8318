"""Whoever asks while others are served is served with them, and hears what it would alone."""

import threading
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from time import monotonic

import pytest

from nexapay.kernel.gathering import Gathering


class Office:
    """Doubles numbers; the first call waits until so many others stand in line."""

    def __init__(self, *, most: int = 100, in_line: int = 0) -> None:
        self.calls: list[list[int]] = []
        self.expected: list[int] = []
        self.broken: set[int] = set()
        self.in_line = in_line
        self.lines = Gathering(self.serve, most=most)

    def serve(self, numbers: Sequence[int]) -> list[int]:
        self.calls.append(list(numbers))
        self.expected.append(self.lines._expected)
        if len(self.calls) == 1:
            while len(self.lines._waiting) < self.in_line:
                threading.Event().wait(0.001)
        if self.broken.intersection(numbers):
            raise ValueError(f"one of {numbers} is broken")
        return [2 * number for number in numbers]

    def ask_all(self, *numbers: int) -> list["Future[int]"]:
        """Ask in so many threads; the first is served before the others stand in line."""
        with ThreadPoolExecutor(len(numbers)) as pool:
            asked = [pool.submit(self.lines.ask, numbers[0])]
            while self.in_line and not self.calls:
                threading.Event().wait(0.001)
            asked += [pool.submit(self.lines.ask, number) for number in numbers[1:]]
        return asked


class TestGathering:
    def test_serves_who_comes_alone_at_once(self) -> None:
        office = Office()

        assert [office.lines.ask(1), office.lines.ask(2)] == [2, 4]
        assert office.calls == [[1], [2]]

    def test_serves_those_who_waited_together(self) -> None:
        office = Office(in_line=5)

        asked = office.ask_all(*range(6))

        assert [answer.result() for answer in asked] == [0, 2, 4, 6, 8, 10]
        assert [len(call) for call in office.calls] == [1, 5]

    def test_serves_no_more_than_most_at_a_time(self) -> None:
        office = Office(in_line=5, most=2)

        office.ask_all(*range(6))

        assert [len(call) for call in office.calls] == [1, 2, 2, 1]

    def test_expects_those_back_who_were_just_served(self) -> None:
        office = Office(in_line=5, most=3)

        office.ask_all(*range(6))
        office.lines.ask(1)

        assert [len(call) for call in office.calls] == [1, 3, 2, 1]
        assert office.expected == [1, 6, 5, 2]
        assert office.lines._expected == 1

    def test_waits_until_as_many_stand_in_line_as_are_expected(self) -> None:
        office = Office()
        office.lines._expected, office.lines._expected_until = 3, monotonic() + 60

        with ThreadPoolExecutor(3) as pool:
            answers = list(pool.map(office.lines.ask, range(3)))

        assert answers == [0, 2, 4]
        assert [len(call) for call in office.calls] == [3]

    def test_waits_for_no_more_than_it_serves_at_a_time(self) -> None:
        office = Office(most=2)
        office.lines._expected, office.lines._expected_until = 4, monotonic() + 60

        with ThreadPoolExecutor(2) as pool:
            assert list(pool.map(office.lines.ask, range(2))) == [0, 2]

    def test_goes_without_those_who_do_not_come_back(self) -> None:
        office = Office()
        office.lines._expected, office.lines._expected_until = 2, monotonic() + 0.01

        assert office.lines.ask(1) == 2
        assert office.lines._gatherer is None
        assert office.lines.ask(2) == 4

    def test_lets_nobody_suffer_for_another(self) -> None:
        office = Office(in_line=3)
        office.broken = {2}

        asked = office.ask_all(0, 1, 2, 3)

        assert [asked[place].result() for place in (0, 1, 3)] == [0, 2, 6]
        with pytest.raises(ValueError, match=r"one of \[2\] is broken"):
            asked[2].result()

    def test_goes_on_after_one_that_was_alone_has_failed(self) -> None:
        office = Office()
        office.broken = {1}

        with pytest.raises(ValueError, match="broken"):
            office.lines.ask(1)

        assert office.calls == [[1]]
        assert office.lines.ask(2) == 4

    def test_leaves_nobody_waiting_when_a_thread_is_ended(self) -> None:
        """Guard: whoever serves wakes the others, whatever becomes of it."""
        office = Office(in_line=2)
        office.broken = {0}
        serve = office.serve

        def ended(numbers: Sequence[int]) -> list[int]:
            try:
                return serve(numbers)
            except ValueError:
                raise SystemExit from None

        office.lines._serve = ended
        with ThreadPoolExecutor(3) as pool:
            first = pool.submit(office.lines.ask, 0)
            while not office.calls:
                threading.Event().wait(0.001)
            others = [pool.submit(office.lines.ask, number) for number in (1, 2)]
            assert [other.result(timeout=10) for other in others] == [2, 4]
        with pytest.raises(SystemExit):
            first.result()

    def test_leaves_nobody_waiting_when_a_thread_is_ended_that_waits_for_company(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        office = Office()

        def ended(_: object) -> None:
            monkeypatch.undo()
            raise SystemExit

        monkeypatch.setattr(office.lines, "_gather", ended)
        with pytest.raises(SystemExit):
            office.lines.ask(1)

        assert office.calls == [[1]]
        assert office.lines.ask(2) == 4
