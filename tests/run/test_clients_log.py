"""The log of the torture's clients: written before and after each try, and read back whole."""

from pathlib import Path

import pytest

from bench.torture import records
from bench.torture.records import Outcome, Records
from tests.run.acts import a_send


class TestTheClientsLog:
    @pytest.fixture
    def path(self, tmp_path: Path) -> Path:
        return tmp_path / "clients.jsonl"

    def test_read_back_says_what_the_clients_knew(self, path: Path) -> None:
        known = Records(path)
        known.round = 3
        a_send(known, Outcome.UNKNOWN, Outcome.ACKED)
        known.settle(a_send(known, Outcome.UNKNOWN), Outcome.REFUSED)
        lie = known.new_credit("ben", due=False)
        known.name(lie, "token")
        known.make_due(lie)
        known.close()

        assert records.read(path).acts == known.acts

    def test_has_the_intent_before_the_answer(self, path: Path) -> None:
        known = Records(path)
        act = a_send(known)

        with known.trying(act):
            seen = records.read(path).acts[act.key]

        assert seen.state is Outcome.UNKNOWN
        known.close()

    def test_may_end_in_half_a_line(self, path: Path) -> None:
        known = Records(path)
        a_send(known, Outcome.ACKED)
        known.close()
        with path.open("a") as file:
            file.write('{"at": 1, "key"')

        assert records.read(path).acts == known.acts

    def test_takes_an_error_for_no_answer(self) -> None:
        known = Records()
        act = a_send(known)

        with pytest.raises(OSError, match="gone"), known.trying(act):
            raise OSError("gone")

        assert act.state is Outcome.UNKNOWN
        assert known.in_doubt() == [act]

    def test_trusts_an_acknowledgement_whatever_came_later(self) -> None:
        act = a_send(Records(), Outcome.ACKED, Outcome.UNKNOWN, Outcome.REFUSED)

        assert act.state is Outcome.ACKED

    def test_has_no_faith_in_a_refusal_while_another_try_is_open(self) -> None:
        act = a_send(Records(), Outcome.UNKNOWN, Outcome.REFUSED)

        assert act.state is Outcome.UNKNOWN
