"""check_ledger compares the entries with what checkpoints published: here, and kept elsewhere."""

import pytest
from django.utils import timezone
from pytest_django import Settings

from tests.factories import make_wallet, send
from tests.wallet.forge import sql
from tests.wallet.published import (
    as_owner,
    problems,
    publish,
    stretch,
    take_back_from,
)
from wallet import audit, checkpoints
from wallet.audit_tree import KeptHead
from wallet.checkpoints import growing
from wallet.checkpoints.again import HashedAgain
from wallet.models import Checkpoint, Entry, Wallet
from wallet.notes import Signer

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("signing")]


def rewrite_everything() -> None:
    """Make every payment twice what it was, and all hashes fit again."""
    as_owner(
        "UPDATE wallet_transfer SET amount_minor = 2 * amount_minor",
        "UPDATE onramp_onramptransaction SET amount_minor = 2 * amount_minor",
        "UPDATE wallet_transfer SET fingerprint = wallet_transfer_fingerprint(kind, source_id,"
        " target_id, amount_minor, currency, actor_id, idempotency_key, note)",
        "UPDATE wallet_entry SET delta_available_minor = 2 * delta_available_minor,"
        " available_before_minor = 2 * available_before_minor,"
        " available_after_minor = 2 * available_after_minor",
        *map(_rehash, range(1, 5)),
        "UPDATE wallet_balance b SET available_minor = 2 * available_minor, head_hash = e.hash"
        " FROM wallet_entry e WHERE e.wallet_id = b.wallet_id AND e.version = b.version",
    )


def _rehash(version: int) -> str:
    """Chain the entries of one version (and those that have none) to the ones before."""
    return f"""
    UPDATE wallet_entry e SET prev_hash = before.hash, hash = wallet_entry_hash(before.hash,
      t.public_id, t.fingerprint, e.wallet_id, e.currency, e.version, e.delta_available_minor,
      e.delta_locked_minor, e.available_after_minor, e.locked_after_minor, e.happened_at,
      e.created_at)
    FROM wallet_transfer t, (
      SELECT n.id, coalesce(p.hash, decode(repeat('00', 32), 'hex')) AS hash
      FROM wallet_entry n LEFT JOIN wallet_entry p
        ON p.wallet_id = n.wallet_id AND p.version = n.version - 1
    ) before
    WHERE t.id = e.transfer_id AND before.id = e.id AND coalesce(e.version, 1) = {version}
    """


class TestHonestBooks:
    @pytest.mark.usefixtures("head")
    def test_agree_with_every_head(self) -> None:
        publish()

        assert problems() == ""

    def test_agree_with_heads_of_every_size(self, ana: Wallet) -> None:
        ben = make_wallet()
        kept = []
        for _ in range(6):
            send(ana, ben, 5)
            kept.append(KeptHead("mine", publish().note))

        assert problems(*kept) == ""

    def test_agree_where_no_key_is_known(self, head: Checkpoint, settings: Settings) -> None:
        settings.CHECKPOINT_KEY = None

        assert problems() == ""

    def test_agree_after_the_key_was_changed(self, head: Checkpoint, settings: Settings) -> None:
        settings.CHECKPOINT_VERIFIERS = [head.verifier]
        settings.CHECKPOINT_KEY = bytes(32)
        assert publish().verifier != head.verifier

        assert problems() == ""


class TestDeletingTheNewestEntries:
    def test_is_unnoticed_by_chains_alone(self, ana: Wallet) -> None:
        """So it is the head that notices it below."""
        ben = make_wallet()
        send(ana, ben, 300)
        take_back_from(send(ana, ben, 25))

        assert problems() == ""

    def test_is_noticed(self, ana: Wallet) -> None:
        ben = make_wallet()
        send(ana, ben, 300)
        last = send(ana, ben, 25)
        first, second = Entry.objects.filter(transfer=last).values_list("pk", flat=True)
        publish()

        take_back_from(last)

        found = problems()
        assert f"entry {first}: is gone, although it was published" in found
        assert f"entry {second}: is gone" in found
        assert "checkpoint of 6 entries: what it covers was changed" in found

    def test_is_noticed_when_their_leaves_go_too(self, ana: Wallet) -> None:
        publish()
        last = send(ana, make_wallet(), 25)
        publish()
        take_back_from(last)

        as_owner("DELETE FROM wallet_leaf WHERE index >= 2")

        assert problems() == (
            "checkpoint of 4 entries: covers 4 entries, of which the tree has 2"
            " (what checkpoints published is still there, unchanged)"
        )

    def test_is_noticed_with_a_head_kept_elsewhere_when_all_heads_go_too(self, ana: Wallet) -> None:
        last = send(ana, make_wallet(), 25)
        kept = KeptHead("the head in my drawer", publish().note)
        take_back_from(last)
        as_owner(*(f"DELETE FROM wallet_{rows}" for rows in ("leaf", "node", "checkpoint")))
        publish()

        assert problems() == ""
        assert "the head in my drawer: covers 4 entries, of which the tree has 2" in problems(kept)


@pytest.mark.usefixtures("head")
class TestRewritingEverything:
    def test_is_unnoticed_by_chains_alone(self) -> None:
        rewrite_everything()

        assert set(problems_by_check()) == {"what checkpoints published is still there, unchanged"}

    def test_is_noticed(self) -> None:
        rewrite_everything()

        found = problems()
        assert found.count("was changed after it was published") == 6
        assert "checkpoint of 6 entries: what it covers was changed" in found

    def test_is_noticed_when_the_leaves_are_rewritten_too(self) -> None:
        rewrite_everything()
        as_owner(
            "UPDATE wallet_leaf l SET hash = sha256('\\x00'::bytea || uuid_send(nonce) || e.hash)"
            " FROM wallet_entry e WHERE e.id = l.entry_id"
        )

        assert list(problems_by_check().values()) == [1]
        assert "checkpoint of 6 entries: what it covers was changed" in problems()

    def test_is_noticed_when_the_head_is_signed_again_with_another_key(self) -> None:
        rewrite_everything()
        self.forge_a_head(Signer("testserver/ledger", bytes(32)))

        assert "its note is not signed by a key we know" in problems()

    def test_is_noticed_with_a_head_kept_elsewhere_even_with_our_key(
        self, head: Checkpoint
    ) -> None:
        kept = KeptHead("the head of a friend", head.note)
        rewrite_everything()
        self.forge_a_head(checkpoints.signer())

        assert problems() == ""
        assert "the head of a friend: what it covers was changed" in problems(kept)

    def forge_a_head(self, signer: Signer) -> None:
        as_owner(*(f"DELETE FROM wallet_{rows}" for rows in ("leaf", "node", "checkpoint")))
        checkpoints.publish(signer=signer, now=timezone.now())


def problems_by_check() -> dict[str, int]:
    found = [finding.check for finding in audit.run(clock=timezone.now).findings]
    return {check: found.count(check) for check in found}


@pytest.mark.usefixtures("head")
class TestTampering:
    def test_with_one_entry_is_noticed(self) -> None:
        entry = Entry.objects.order_by("pk")[3]
        as_owner(f"UPDATE wallet_entry SET hash = sha256('x') WHERE id = {entry.pk}")

        subject = f"wallet {entry.wallet_id} entry {entry.pk}"
        assert f"{subject}: was changed after it was published" in problems()
        assert problems().count("was changed after it was published") == 1

    def test_by_an_entry_put_into_the_past_is_noticed(self, ana: Wallet) -> None:
        [[gap]] = sql("SELECT nextval(pg_get_serial_sequence('wallet_entry', 'id'))")
        send(ana, make_wallet(), 5)
        publish()
        assert problems() == ""

        as_owner(
            "INSERT INTO wallet_entry SELECT (jsonb_populate_record(e, jsonb_build_object("
            f"'id', {gap}, 'wallet_id', 0))).* FROM wallet_entry e WHERE version = 1 LIMIT 1"
        )

        assert f"entry {gap}: was added behind a published entry" in problems()

    def test_with_a_leaf_that_is_taken_away_is_noticed(self) -> None:
        as_owner("DELETE FROM wallet_leaf WHERE index = 3")

        lost = Entry.objects.order_by("pk")[3].pk
        assert f"entry {lost}: was added behind a published entry" in problems()

    def test_with_a_head_s_row_is_noticed(self) -> None:
        as_owner("UPDATE wallet_checkpoint SET root = sha256('x')")

        assert "checkpoint of 6 entries: its note says another size or root" in problems()

    def test_with_a_head_s_note_is_noticed(self) -> None:
        as_owner("UPDATE wallet_checkpoint SET note = replace(note, '6', '7')")

        assert "checkpoint of 6 entries: its note " in problems()

    def test_with_nodes_is_noticed(self) -> None:
        stretch(65_600)
        growing._complete(0, 65_600)
        again = list(HashedAgain([]).problems())
        honest = {subject for subject, _ in again if subject.startswith("node")}
        as_owner(
            "UPDATE wallet_node SET hash = sha256('x') WHERE level = 8 AND index = 200",
            "DELETE FROM wallet_node WHERE level = 16",
        )

        again = list(HashedAgain([]).problems())

        found = {subject for subject, _ in again if subject.startswith("node")}
        assert (honest, found) == (set(), {"node 200 of level 8", "node 0 of level 16"})
