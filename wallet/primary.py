"""The wallet that a person's pages are about: read once for each of them."""

from django.conf import settings
from django.db.models import BigIntegerField, CharField

from nexapay.kernel.prepared import Parameter, Prepared, columns_of, instance
from wallet.models import Balance, Wallet

_PRIMARY = Prepared(
    lambda: Wallet.objects.filter(
        owner_id=Parameter(BigIntegerField()),
        currency=Parameter(CharField()),
        kind=Wallet.Kind.USER,
        balance__isnull=False,
    ).values_list(*columns_of(Wallet), *columns_of(Balance, "balance__"))
)


def primary_wallet(*, owner_id: int) -> Wallet | None:
    """Return the person's wallet in the currency of the house, with its balance."""
    rows = _PRIMARY.rows(owner_id, settings.DEFAULT_CURRENCY)
    if not rows:
        return None
    width = len(Wallet._meta.concrete_fields)
    wallet = instance(Wallet, rows[0][:width])
    wallet.balance = instance(Balance, rows[0][width:])
    return wallet
