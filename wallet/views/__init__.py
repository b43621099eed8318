"""Pages of the wallet. A view: access, one form, one service or some selectors, one answer."""

from wallet.views.dashboard import dashboard
from wallet.views.history import history, receipt
from wallet.views.review import review
from wallet.views.send import send, send_people

__all__ = ["dashboard", "history", "receipt", "review", "send", "send_people"]
