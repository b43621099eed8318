"""The tree over all entries grows without a gap, and its head is signed and published."""

from base64 import b64decode
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from threading import Event

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import Settings

from nexapay.kernel.db import Busy
from tests.factories import make_wallet, send
from tests.threads import alone, at_once
from tests.wallet.forge import sql
from tests.wallet.published import (
    KEY,
    entry_of,
    leaf_hashes,
    proof_of,
    publish,
    stretch,
)
from tests.wallet.support import clock, movement
from wallet import checkpoints, journal, merkle
from wallet.checkpoints import growing, tree
from wallet.models import Checkpoint, Entry, Leaf, Node, Wallet
from wallet.notes import Head, Signer, opened

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("signing")]


class TestTheTree:
    def test_holds_each_entry_once_in_order(self, ana: Wallet) -> None:
        ben = make_wallet(balance_minor=500)
        publish()
        send(ana, ben, 5)
        publish()

        found = list(Leaf.objects.order_by("index").values_list("index", "entry_id"))
        ids = Entry.objects.order_by("pk").values_list("pk", flat=True)
        assert found == list(enumerate(ids))

    def test_says_nothing_of_an_entry_that_could_be_guessed(self, ana: Wallet) -> None:
        """A neighbour's leaf is in every proof; without the nonce, a guess could be tested."""
        publish()

        for leaf in Leaf.objects.select_related("entry"):
            digest = bytes(leaf.entry.hash)
            assert bytes(leaf.hash) == merkle.leaf_hash(leaf.nonce.bytes + digest)
            assert bytes(leaf.hash) != merkle.leaf_hash(digest)
        assert Leaf.objects.values("nonce").distinct().count() == Leaf.objects.count()

    def test_goes_on_where_another_builder_died(
        self, ana: Wallet, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for _ in range(3):
            send(ana, make_wallet(), 5)
        monkeypatch.setattr(growing, "_BATCH", 3)
        cut = checkpoints.settled_cut()
        assert growing._add(cut) == 3

        head = publish()

        assert (head.size, tree.size()) == (8, 8)
        assert bytes(head.root) == merkle.root(leaf_hashes())

    def test_is_empty_without_entries(self) -> None:
        signer = checkpoints.signer()

        assert checkpoints.publish(signer=signer, now=timezone.now()) is None


class TestPathsOfAStoredTree:
    @pytest.mark.parametrize("size", [255, 256, 257, 511, 65_536, 65_793])
    def test_are_those_of_the_leaves(self, size: int) -> None:
        stretch(size)
        growing._complete(0, size)
        leaves = leaf_hashes()
        frontier = merkle.Frontier()
        for leaf in leaves:
            frontier.push(leaf)

        root = tree.read(size)(0, size)

        assert root == frontier.root()
        for index in {0, 1, 254, 255 % size, size // 2, size - 2, size - 1}:
            path = merkle.inclusion_path(index, size, tree.read(size, index=index))
            leaf = leaves[index]
            assert merkle.includes(leaf=leaf, index=index, size=size, path=path, root=root)
        for old in {1, 2, 200, 256, size // 2, size - 1, size}:
            if old > size:
                continue
            subtree = tree.read(old, size)
            path = merkle.consistency_path(old, size, subtree)
            roots = {"old_root": merkle.root(leaves[:old]), "new_root": root}
            assert merkle.is_consistent(old=old, new=size, path=path, **roots)

    def test_need_few_rows(self) -> None:
        stretch(65_900)
        growing._complete(0, 65_900)

        with CaptureQueriesContext(connection) as statements:
            merkle.inclusion_path(12_345, 65_900, tree.read(65_900, index=12_345))

        assert len(statements) == 2
        assert Node.objects.filter(level=16).count() == 1
        assert Node.objects.filter(level=8).count() == 257

    def test_are_the_same_however_the_tree_grew(self) -> None:
        stretch(65_900)
        for old, new in [(0, 100), (100, 256), (256, 65_000), (65_000, 65_900)]:
            growing._complete(old, new)

        assert tree.read(65_900)(0, 65_900) == merkle.root(leaf_hashes())


class TestAHead:
    def test_is_a_note_signed_with_our_key(self, ana: Wallet) -> None:
        head = publish()

        [verifier] = checkpoints.known_verifiers()
        assert verifier == Signer("testserver/ledger", KEY).verifier
        assert head.verifier == str(verifier)
        said = Head.parse(opened(head.note, [verifier]))
        assert said == Head("testserver/ledger", 2, merkle.root(leaf_hashes()))

    def test_is_not_published_twice(self, ana: Wallet) -> None:
        assert publish() == publish()

        assert Checkpoint.objects.count() == 1

    def test_is_kept_beside_the_database(self, ana: Wallet, tmp_path: Path) -> None:
        head = publish()

        copy = tmp_path / "checkpoints" / "000000000002.txt"
        assert copy.read_text() == head.note
        assert [path.name for path in copy.parent.iterdir()] == [copy.name]

    def test_is_copied_again_when_the_copy_is_lost_and_never_over_another(
        self, ana: Wallet, tmp_path: Path
    ) -> None:
        head = publish()
        copy = tmp_path / "checkpoints" / "000000000002.txt"
        copy.unlink()
        publish()
        assert copy.read_text() == head.note
        copy.write_text("evidence")

        publish()

        assert copy.read_text() == "evidence"

    def test_is_published_even_where_no_copy_can_be_kept(
        self, ana: Wallet, tmp_path: Path, settings: Settings
    ) -> None:
        (tmp_path / "file").touch()
        settings.DATA_DIR = tmp_path / "file"

        assert publish().size == 2

    def test_is_not_signed_when_the_tree_is_another_one(self, ana: Wallet) -> None:
        publish()
        sql("SET session_replication_role = replica")
        sql("UPDATE wallet_leaf SET hash = sha256('x') WHERE index = 0")
        sql("SET session_replication_role = origin")
        send(ana, make_wallet(), 5)

        with pytest.raises(checkpoints.Forked, match="no longer begins with the 2 entries"):
            publish()

        assert Checkpoint.objects.count() == 1

    def test_is_consistent_with_those_before(self, ana: Wallet) -> None:
        old = publish()
        send(ana, make_wallet(), 5)
        new = publish()

        document = checkpoints.consistency(old=old, new=new)

        path = [b64decode(step) for step in document["path"]]
        roots = {"old_root": bytes(old.root), "new_root": bytes(new.root)}
        assert merkle.is_consistent(old=2, new=4, path=path, **roots)
        assert (document["from"], document["to"]) == (old.note, new.note)


class TestAProof:
    def test_leads_from_the_entry_to_the_head(self, ana: Wallet) -> None:
        transfer = send(ana, make_wallet(), 5, note="Tea")
        head = publish()

        proof = proof_of(entry_of(transfer, ana))

        nonce, index = bytes.fromhex(proof["leaf"]["nonce"]), proof["leaf"]["index"]
        leaf = merkle.leaf_hash(nonce + bytes(entry_of(transfer, ana).hash))
        path = [b64decode(step) for step in proof["path"]]
        root = bytes(head.root)
        assert merkle.includes(leaf=leaf, index=index, size=head.size, path=path, root=root)
        assert proof["transfer"]["note"] == "Tea"

    def test_is_not_there_before_a_head_covers_it(self, ana: Wallet) -> None:
        transfer = send(ana, make_wallet(), 5)
        assert checkpoints.receipt_proof(entry_of(transfer, ana)) is None
        publish()
        later = send(ana, make_wallet(), 5)
        growing.grow()

        assert checkpoints.receipt_proof(entry_of(later, ana)) is None


@contextmanager
def a_payment_under_way(source: Wallet, target: Wallet) -> Iterator[Callable[[], int]]:
    """Draw entry ids in a transaction of its own, and hold it open until the result is called."""
    drawn, may_end = Event(), Event()

    def pay() -> int:
        with transaction.atomic():
            balances = journal.lock([source.pk, target.pk])
            [paid] = journal.post([movement(source, target)], balances, posted_at=clock())
            drawn.set()
            may_end.wait()
        return paid.pk

    def end() -> int:
        may_end.set()
        return slow.result()

    with ThreadPoolExecutor(1) as pool:
        slow = pool.submit(alone, pay)
        slow.add_done_callback(lambda _: drawn.set())
        drawn.wait()
        try:
            yield end
        finally:
            may_end.set()


@pytest.mark.django_db(transaction=True)
class TestManyAtOnce:
    def test_a_payment_under_way_is_waited_for(self) -> None:
        """Guard: ids are not committed in order, so a cut must be settled."""
        ana, ben = make_wallet(balance_minor=1_000), make_wallet(balance_minor=1_000)
        cem = make_wallet()
        paid: list[int] = []

        with a_payment_under_way(ana, cem) as end:
            quick = send(ben, make_wallet(), 5)
            growing.grow(pause=lambda seconds: paid.append(end()))

        assert len(paid) == 1
        assert paid[0] < quick.pk
        published = set(Leaf.objects.values_list("entry__transfer_id", flat=True))
        assert published >= {paid[0], quick.pk}
        assert Leaf.objects.count() == Entry.objects.count()

    def test_a_payment_that_never_ends_is_named(self) -> None:
        ana, cem = make_wallet(balance_minor=1_000), make_wallet()

        refused = pytest.raises(Busy, match="has been open for long")
        with a_payment_under_way(ana, cem), refused:
            checkpoints.settled_cut(pause=lambda seconds: None)

    def test_builders_do_not_get_into_one_anothers_way(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Guard: each batch goes on after the last leaf, under one lock."""
        monkeypatch.setattr(growing, "_BATCH", 2)
        ana = make_wallet(balance_minor=1_000)
        for _ in range(10):
            send(ana, make_wallet(), 5)

        outcomes = at_once([publish for _ in range(6)], workers=6)

        only = Checkpoint.objects.get()
        assert outcomes == [only] * 6
        assert bytes(only.root) == merkle.root(leaf_hashes())
