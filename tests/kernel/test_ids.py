"""Public ids are drawn many at once, and those drawn later come later."""

from datetime import UTC, datetime, timedelta
from uuid import RFC_4122, UUID

from nexapay.kernel.ids import ordered_uuids

AT = datetime(2026, 11, 20, 10, 0, tzinfo=UTC)


class TestOrderedUuids:
    def test_are_uuids_of_version_7(self) -> None:
        for text in ordered_uuids(50, AT):
            assert (UUID(text).version, UUID(text).variant) == (7, RFC_4122)

    def test_say_their_milliseconds(self) -> None:
        """The example of RFC 9562, appendix A.6."""
        [text] = ordered_uuids(1, datetime.fromisoformat("2022-02-22T14:22:22-05:00"))

        assert text.startswith("017f22e279b07")

    def test_come_in_the_order_of_their_times(self) -> None:
        later = ordered_uuids(50, AT + timedelta(milliseconds=1))

        assert max(ordered_uuids(50, AT)) < min(later)

    def test_are_all_different(self) -> None:
        assert len({*ordered_uuids(5_000, AT), *ordered_uuids(5_000, AT)}) == 10_000

    def test_of_none_are_none(self) -> None:
        assert ordered_uuids(0, AT) == []
