"""When the books were proved."""

from django.db import models


class LedgerCheck(models.Model):
    """One run of check_ledger, kept so that staff see when the books were last proved."""

    started_at = models.DateTimeField()
    finished_at = models.DateTimeField()
    ok = models.BooleanField()
    wallets = models.BigIntegerField()
    transfers = models.BigIntegerField()
    entries = models.BigIntegerField()
    findings = models.JSONField(default=list)

    class Meta:
        indexes = [models.Index(fields=["-finished_at"], name="check_newest")]

    def __str__(self) -> str:
        return f"check of {self.finished_at:%Y-%m-%d %H:%M}"
