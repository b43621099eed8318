"""Pages of the wallet. A view: access, one form, one service or some selectors, one answer."""

from wallet.views.dashboard import dashboard
from wallet.views.history import history, receipt
from wallet.views.ledger import consistency, head, heads, latest
from wallet.views.proofs import proof
from wallet.views.review import review
from wallet.views.send import send, send_people

__all__ = [
    "consistency",
    "dashboard",
    "head",
    "heads",
    "history",
    "latest",
    "proof",
    "receipt",
    "review",
    "send",
    "send_people",
]
