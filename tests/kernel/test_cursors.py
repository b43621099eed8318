"""Where a page of a list ends travels in its address, and comes back as it was or not at all."""

from datetime import UTC, datetime, timedelta

import pytest

from nexapay.kernel import cursors

CLOCK = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


class TestCursors:
    @pytest.mark.parametrize(
        "cursor", ["x", "MTIz", "MS4x=", "LTEuLTE", "é", "a" * 5_000, "MV8wLjE", "\x00", "Li4"]
    )
    def test_that_are_not_ours_are_refused(self, cursor: str) -> None:
        with pytest.raises(cursors.BadCursor):
            cursors.decode(cursor)

    def test_are_taken_back_as_they_were_given(self) -> None:
        key = (CLOCK + timedelta(microseconds=7), 2**62 + 5)

        assert cursors.decode(cursors.encode(key)) == key
