"""A receipt hands out its proof; the ledger's checkpoints are for everybody."""

import json
import re
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from tests.factories import make_wallet, send
from tests.wallet.pages import ananya, kabir, sign_in
from tests.wallet.published import publish
from wallet.models import Checkpoint, Entry, Transfer, Wallet
from wallet.views import ledger, proofs

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("signing")]
LEDGER = "/ledger/checkpoints/"


@pytest.fixture
def tea() -> Transfer:
    return send(ananya(), kabir(), 25_000, note="Tea | शुक्रिया")


def proof_url(transfer: Transfer) -> str:
    return f"/transactions/{transfer.public_id}/proof/"


def proof(transfer: Transfer, wallet: Wallet) -> dict[str, Any]:
    document: dict[str, Any] = sign_in(wallet).get(proof_url(transfer)).json()
    return document


class TestAProof:
    @pytest.mark.parametrize("query", ["", "?new=1"])
    def test_is_offered_by_the_receipt(self, tea: Transfer, query: str) -> None:
        page = sign_in(tea.source).get(f"/transactions/{tea.public_id}/{query}").content.decode()

        assert f'href="{proof_url(tea)}"' in page

    def test_is_a_file_named_after_the_receipt(self, tea: Transfer) -> None:
        publish()

        answer = sign_in(tea.source).get(proof_url(tea))

        name = answer["Content-Disposition"]
        assert re.fullmatch(r'attachment; filename="NXP-[0-9A-F-]{14}-proof.json"', name)
        assert answer["Content-Type"] == "application/json"
        assert "no-store" in answer["Cache-Control"]

    def test_is_of_the_viewer_s_own_entry(self, tea: Transfer) -> None:
        publish()

        paid, got = proof(tea, tea.source), proof(tea, tea.target)

        assert (paid["entry"]["wallet"], got["entry"]["wallet"]) == (tea.source_id, tea.target_id)
        assert paid["entry"]["available_after_minor"] == 75_000
        assert paid["transfer"]["note"] == "Tea | शुक्रिया"

    def test_tells_nothing_of_the_other_side_but_what_its_owner_knows(self, tea: Transfer) -> None:
        """Hashes apart, only the numbers of the two wallets and of who sent it are added."""
        send(tea.target, make_wallet(name="Zoya Khan", handle="zoya"), 7_777, note="A secret")
        publish()

        text = json.dumps(proof(tea, tea.source), ensure_ascii=False)

        theirs = Entry.objects.filter(wallet=tea.target)
        hidden = ["Kabir", "kabir", "+919845064407", "Zoya", "7777", "17223", "A secret", "Ananya"]
        hidden += [bytes(entry.hash).hex() for entry in theirs]
        assert [word for word in hidden if word in text] == []

    def test_is_not_there_for_anybody_else(self, tea: Transfer) -> None:
        publish()

        assert sign_in(make_wallet()).get(proof_url(tea)).status_code == 404
        assert Client().get(proof_url(tea)).status_code == 302
        assert sign_in(tea.source).get(f"/transactions/{uuid4()}/proof/").status_code == 404
        assert sign_in(tea.source).post(proof_url(tea)).status_code == 405

    def test_says_when_it_will_be_there(self, tea: Transfer) -> None:
        answer = sign_in(tea.source).get(proof_url(tea))

        assert answer.status_code == 200
        page = answer.content.decode()
        assert "Your proof is not ready yet" in page
        assert re.search(r"due at <time [^>]*>\d{1,2}:\d0 [ap]m</time>", page)

    def test_is_not_handed_out_without_end(
        self, tea: Transfer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(proofs, "_PROOFS_PER_MINUTE", 2)
        client = sign_in(tea.source)

        answers = [client.get(proof_url(tea)).status_code for _ in range(3)]

        assert answers == [200, 200, 429]

    def test_asks_the_database_few_times(
        self, tea: Transfer, django_assert_max_num_queries: DjangoAssertNumQueries
    ) -> None:
        publish()
        client = sign_in(tea.source)

        with django_assert_max_num_queries(7):
            client.get(proof_url(tea))


class TestTheLedgerPage:
    def test_is_for_everybody(self, tea: Transfer) -> None:
        head = publish()

        for client in (Client(), sign_in(tea.source)):
            page = client.get(LEDGER).content.decode()
            assert f"{head.size} entries" in page
            assert head.verifier in page
            assert f'href="{LEDGER}{head.size}"' in page

    def test_says_so_when_there_is_none(self) -> None:
        page = Client().get(LEDGER).content.decode()

        assert "None so far" in page

    def test_lists_the_newest_first_a_page_at_a_time(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(ledger, "_SHOWN", 2)
        ana, ben = make_wallet(balance_minor=10_000), make_wallet()
        for _ in range(3):
            send(ana, ben, 1)
            publish()

        first = Client().get(LEDGER).content.decode()
        [before] = re.findall(r'href="\?before=(\d+)"', first)
        second = Client().get(f"{LEDGER}?before={before}").content.decode()

        sizes = [int(size) for size in re.findall(r">(\d+) entries</a>", first + second)]
        assert sizes == sorted(Checkpoint.objects.values_list("size", flat=True), reverse=True)
        assert (first.count("entries</a>"), "?before=" in second) == (2, False)

    @pytest.mark.parametrize("before", ["x", "-1", "1" * 30, "\x00", "\uff11"])
    def test_answers_404_to_what_is_no_size(self, before: str) -> None:
        assert Client().get(LEDGER, {"before": before}).status_code == 404

    def test_says_where_the_list_ends(self, tea: Transfer) -> None:
        publish()

        assert "These were all" in Client().get(f"{LEDGER}?before=1").content.decode()


class TestAHead:
    def test_is_text_that_tools_take(self, tea: Transfer) -> None:
        head = publish()

        for address in ("latest", str(head.size)):
            answer = Client().get(LEDGER + address)
            assert answer.content.decode() == head.note
            assert answer["Content-Type"] == "text/plain; charset=utf-8"
        assert "immutable" in answer["Cache-Control"]

    @pytest.mark.parametrize("address", ["latest", "7", "9" * 40])
    def test_that_was_never_published_is_answered_404(self, address: str) -> None:
        answer = Client().get(LEDGER + address)

        assert answer.status_code == 404
        assert answer.content == b"No such checkpoint was published.\n"

    def test_is_only_looked_at(self, tea: Transfer) -> None:
        for address in ("", "latest", "7", "consistency"):
            assert Client().post(LEDGER + address).status_code == 405


class TestConsistency:
    def ask(self, **query: str | int) -> Any:
        return Client().get(reverse("wallet:consistency"), query)

    def test_is_proved_between_any_two_heads(self, tea: Transfer) -> None:
        old = publish()
        send(tea.source, tea.target, 5)
        new = publish()

        answer = self.ask(**{"from": old.size, "to": new.size})

        document = answer.json()
        assert (document["from"], document["to"]) == (old.note, new.note)
        assert len(document["path"]) == 1
        assert "immutable" in answer["Cache-Control"]

    def test_of_a_head_with_itself_needs_no_path(self, tea: Transfer) -> None:
        head = publish()

        assert self.ask(**{"from": head.size, "to": head.size}).json()["path"] == []

    @pytest.mark.parametrize(
        ("query", "status", "sentence"),
        [
            ({}, 400, "Name the sizes"),
            ({"from": "1"}, 400, "Name the sizes"),
            ({"from": "x", "to": "4"}, 400, "Name the sizes"),
            ({"from": "-1", "to": "4"}, 400, "Name the sizes"),
            ({"from": "1" * 30, "to": "4"}, 400, "Name the sizes"),
            ({"from": "1", "to": "4"}, 404, "No checkpoint of that size"),
            ({"from": "0", "to": "4"}, 404, "No checkpoint of that size"),
            ({"from": "6", "to": "4"}, 400, "The first checkpoint must be the smaller"),
        ],
    )
    def test_is_refused_in_a_sentence(
        self, tea: Transfer, query: dict[str, str], status: int, sentence: str
    ) -> None:
        publish()
        send(tea.source, tea.target, 5)
        publish()

        answer = self.ask(**query)

        assert answer.status_code == status
        assert answer.json()["error"].startswith(sentence)

    def test_is_not_proved_without_end(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(ledger, "_PROOFS_PER_MINUTE", 2)

        assert [self.ask().status_code for _ in range(3)] == [400, 400, 429]
