"""Public ids cannot be guessed, and those of one second are neighbours."""

from uuid import RFC_4122, UUID

import time_machine

from nexapay.kernel import ids


class TestIds:
    def test_are_uuids_of_version_8(self) -> None:
        for text in ids.many(50):
            assert (UUID(text).version, UUID(text).variant) == (8, RFC_4122)

    def test_of_one_second_begin_alike(self) -> None:
        with time_machine.travel(1_800_000_000, tick=False):
            assert {text[:4] for text in ids.many(50)} == {f"{1_800_000_000 % 65_536:04x}"}

    def test_of_the_next_second_come_after_them(self) -> None:
        with time_machine.travel(1_800_000_000, tick=False):
            now = ids.many(50)
        with time_machine.travel(1_800_000_001, tick=False):
            assert max(now) < min(ids.many(50))

    def test_begin_anew_after_65_536_seconds(self) -> None:
        with time_machine.travel(65_536 * 27_000, tick=False):
            assert ids.new().hex.startswith("0000")

    def test_are_all_different(self) -> None:
        assert len({*ids.many(5_000), *ids.many(5_000)}) == 10_000

    def test_of_one_moment_are_told_by_their_first_twelve_digits(self) -> None:
        """What a reference shows of them."""
        assert len({text[:12] for text in ids.many(100)}) == 100

    def test_of_none_are_none(self) -> None:
        assert ids.many(0) == []

    def test_alone_are_as_those_of_many(self) -> None:
        assert ids.new().version == 8
        assert ids.new() != ids.new()
