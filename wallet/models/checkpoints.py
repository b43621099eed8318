"""
The tree over all entries, and the heads of it that were published. Rows are only ever added.

wallet/checkpoints adds them. Hashes are 32 bytes of SHA-256; migration 0006 keeps what is here.
"""

from django.db import models
from django.db.models import Q

from wallet.models.transfers import Entry


class Leaf(models.Model):
    """
    One entry in the tree, by its place: the first is 0, and none is left out.

    The nonce is hashed with the entry's own hash, so that a neighbour's leaf, which a proof must
    name, lets nobody test what they guess about the neighbour.
    """

    index = models.BigIntegerField(primary_key=True)
    # Unchecked by a foreign key, which would lock and so rewrite every entry: nothing deletes one,
    # and check_ledger sees it if somebody did.
    entry = models.OneToOneField(
        Entry, on_delete=models.PROTECT, related_name="leaf", db_constraint=False
    )
    nonce = models.UUIDField()
    hash = models.BinaryField(max_length=32)

    class Meta:
        verbose_name_plural = "leaves"
        constraints = [
            models.CheckConstraint(condition=Q(index__gte=0), name="leaf_index_not_negative"),
        ]

    def __str__(self) -> str:
        return f"leaf {self.index}"


class Node(models.Model):
    """
    The root over leaves index * 2**level up to (index + 1) * 2**level, for every eighth level.

    What stands between is hashed from 256 of the level below when it is asked for.
    """

    level = models.SmallIntegerField()
    index = models.BigIntegerField()
    hash = models.BinaryField(max_length=32)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["level", "index"], name="node_once"),
        ]

    def __str__(self) -> str:
        return f"node {self.index} of level {self.level}"


class Checkpoint(models.Model):
    """A signed head that was published: it says what the first size leaves are."""

    size = models.BigIntegerField(unique=True, help_text="How many entries it covers.")
    root = models.BinaryField(max_length=32)
    note = models.TextField(help_text="The checkpoint as a signed note, which anybody may have.")
    verifier = models.CharField(max_length=255, help_text="The public key that it is signed with.")
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(size__gte=1), name="checkpoint_size_positive"),
        ]

    def __str__(self) -> str:
        return f"checkpoint of {self.size} entries"
