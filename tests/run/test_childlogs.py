"""What services log is kept in files; what went wrong is shown in a line."""

import json
import os
from pathlib import Path

import pytest

from nexapay import childlogs
from nexapay.childlogs import ChildLog, notice


@pytest.fixture
def log(tmp_path: Path) -> ChildLog:
    return ChildLog(tmp_path / "logs" / "web.log")


def write(log: ChildLog, *lines: str) -> None:
    descriptor = log.open()
    os.write(descriptor, "".join(lines).encode())
    os.close(descriptor)


class TestALog:
    def test_is_readable_by_its_owner_alone(self, log: ChildLog) -> None:
        write(log, "x\n")

        assert log.path.stat().st_mode & 0o777 == 0o600
        assert log.path.parent.stat().st_mode & 0o777 == 0o700

    def test_shows_each_error_once(self, log: ChildLog) -> None:
        write(log, "out of paper\n")

        assert list(log.notices()) == ["out of paper"]
        assert list(log.notices()) == []

    def test_shows_no_error_of_an_earlier_start(self, log: ChildLog) -> None:
        write(log, "out of paper\n")

        assert list(ChildLog(log.path).notices()) == []

    def test_waits_for_the_end_of_a_line(self, log: ChildLog) -> None:
        write(log, "out of ")
        assert list(log.notices()) == []

        write(log, "paper\n")

        assert list(log.notices()) == ["out of paper"]

    def test_does_not_flood_the_terminal(self, log: ChildLog) -> None:
        write(log, *[f"error {number}\n" for number in range(100)])

        shown = list(log.notices())

        assert len(shown) == childlogs.MOST_NOTICES + 1
        assert shown[-1] == f"... and {100 - childlogs.MOST_NOTICES} more in {log.path}"

    def test_stays_small_while_somebody_writes_to_it(
        self, log: ChildLog, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(childlogs, "LIMIT_BYTES", 10)
        descriptor = log.open()
        os.write(descriptor, b"much too long\n")
        list(log.notices())

        os.write(descriptor, b"short\n")
        os.close(descriptor)

        assert log.path.read_text() == "short\n"
        assert log.path.with_suffix(".old.log").read_text() == "much too long\n"
        assert list(log.notices()) == ["short"]


class TestANotice:
    def test_is_not_made_of_a_request(self) -> None:
        assert notice(json.dumps({"event": "request", "level": "info"})) == ""

    def test_says_what_failed_where_and_under_which_id(self) -> None:
        record = {"event": "exception", "error": "KeyError", "at": ["a:1 f", "b:2 g"]}

        assert notice(json.dumps(record | {"level": "error", "request_id": "abc"})) == (
            "exception KeyError at b:2 g (request abc)"
        )

    def test_is_the_last_line_of_a_traceback(self) -> None:
        lines = ["Traceback (most recent call last):", '  File "x.py"', "    f()", "KeyError: 'x'"]

        assert [text for line in lines if (text := notice(line))] == ["KeyError: 'x'"]

    def test_is_one_line_however_long_the_log_was(self) -> None:
        text = notice(json.dumps({"event": "a\n" * 1000, "level": "error"}))

        assert len(text) == childlogs.LONGEST_NOTICE
        assert "\n" not in text
