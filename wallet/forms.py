"""Text in, arguments of a service or a selector out. Forms read and never write."""

import re
from datetime import date
from typing import Any

from django import forms
from django.conf import settings
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from accounts.models import User
from nexapay.kernel import money
from nexapay.kernel.forms import EchoMixin, KeyField, LineField, MoneyField
from wallet import selectors
from wallet.models import Transfer, Wallet

NOTE_MAX_LENGTH = 280
_UNPAYABLE = {Wallet.Status.FROZEN, Wallet.Status.CLOSED}


class PeopleForm(forms.Form):
    """What somebody looks for among people."""

    q = LineField(max_length=254, required=False)


class PayeeForm(forms.Form):
    """Find the person that to names: by phone, email or @handle, typed in full."""

    to = LineField(
        max_length=254,
        label="Who are you paying?",
        error_messages={"required": "Enter a phone number, an email address or a @handle."},
    )

    def __init__(self, *args: Any, user_id: int, wallet: Wallet, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.user_id = user_id
        self.wallet = wallet
        self.person: User | None = None
        self.target: Wallet | None = None

    def clean_to(self) -> str:
        typed: str = self.cleaned_data["to"]
        person, target = selectors.find_payee(text=typed, currency=self.wallet.currency)
        if person is None:
            raise forms.ValidationError(
                "We cannot find anyone by that. Enter their whole phone number, email or @handle.",
                code="unknown",
            )
        if person.pk == self.user_id:
            raise forms.ValidationError("You cannot send money to yourself.", code="self")
        self.person, self.target = person, target
        return typed

    def clean(self) -> None:
        """Refuse whom nobody can pay now."""
        if self.person and (self.target is None or self.target.status in _UNPAYABLE):
            self.add_error("to", "This person cannot be paid right now. Nothing was sent.")


class SendForm(PayeeForm):
    """Turn what a person typed into the arguments of services.send_money."""

    amount = MoneyField(currency=settings.DEFAULT_CURRENCY, label="How much?")
    note = LineField(max_length=NOTE_MAX_LENGTH, required=False, label="What is it for?")
    idempotency_key = KeyField()

    def __init__(self, *args: Any, is_new: bool = False, **kwargs: Any) -> None:
        """Take is_new from who has seen that the key has sent nothing yet."""
        super().__init__(*args, **kwargs)
        self.is_new = is_new
        self.earlier: Transfer | None = None
        amount = self.fields["amount"]
        amount.currency = self.wallet.currency  # type: ignore[attr-defined]
        amount.max_minor = settings.TRANSFER_MAX_MINOR  # type: ignore[attr-defined]

    def clean(self) -> None:
        """Judge what changes with time, unless this was sent before: then nothing is in its way."""
        self.earlier = None if self.is_new else self._find_earlier()
        if self.earlier:
            return
        super().clean()
        if self.wallet.status != Wallet.Status.ACTIVE:
            self.add_error(None, "Your wallet is frozen, so nothing was sent. Please contact us.")
        amount_minor = self.cleaned_data.get("amount", 0)
        have_minor = self.wallet.balance.available_minor
        if amount_minor > have_minor:
            self.add_error("amount", _too_much(amount_minor, have_minor, self.wallet.currency))

    def _find_earlier(self) -> Transfer | None:
        """Return what this key has sent already, if it is what is asked for now."""
        key = self.cleaned_data.get("idempotency_key")
        earlier = selectors.sent_with(actor_id=self.user_id, key=key) if key else None
        if earlier is None:
            return None
        asked = [self.cleaned_data.get(name) for name in ("amount", "note")]
        target_id = self.target.pk if self.target else None
        if [earlier.target_id, earlier.amount_minor, earlier.note] != [target_id, *asked]:
            raise forms.ValidationError(
                "This was already sent with other details. Look in Activity, then start again."
            )
        return earlier


def _too_much(amount_minor: int, have_minor: int, currency: str) -> SafeString:
    link = format_html('<a class="a" href="{}">add money</a>', reverse("onramp:add"))
    if have_minor == 0:
        return format_html("You have {} to send. First {}.", money.format(0, currency), link)
    return format_html(
        "That is {} more than you have. Enter {} or less, or {}.",
        *(money.format(amount_minor - have_minor, currency), money.format(have_minor, currency)),
        link,
    )


class DayField(EchoMixin, forms.Field):
    """A day as a date input sends it, such as 2026-11-20; cleans to a date or None."""

    widget = forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    FIRST, LAST = date(2000, 1, 1), date(2100, 12, 31)
    WRONG = "Enter a day like 2026-11-20."

    def to_python(self, value: Any) -> date | None:
        typed = str(value or "").strip(" ")
        if not typed:
            return None
        # The digits 0 to 9 alone: fromisoformat and strptime take those of other scripts too.
        if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", typed):
            raise forms.ValidationError(self.WRONG)
        try:
            day = date.fromisoformat(typed)
        except ValueError as error:
            raise forms.ValidationError("That day is not in the calendar.") from error
        if not self.FIRST <= day <= self.LAST:
            raise forms.ValidationError(f"Enter a day from {self.FIRST} to {self.LAST}.")
        return day


def _choice(name: str, *choices: tuple[str, str], **kwargs: Any) -> forms.ChoiceField:
    wrong = {"invalid_choice": f"Choose a {name} from the list."}
    return forms.ChoiceField(choices=choices, required=False, error_messages=wrong, **kwargs)


class FilterForm(forms.Form):
    """The filters of the history, from its address."""

    q = LineField(max_length=80, required=False, label="Search", widget=forms.SearchInput)
    direction = _choice(
        *("direction", ("", "All"), ("in", "In"), ("out", "Out")), widget=forms.RadioSelect
    )
    kind = _choice(
        *("type", ("", "All types")),
        *((Transfer.Kind.SEND.value, "Payments"), (Transfer.Kind.ONRAMP.value, "Added money")),
        *((Transfer.Kind.PAYOUT.value, "Withdrawals"), (Transfer.Kind.HOLD.value, "Put on hold")),
        *((Transfer.Kind.RELEASE.value, "Released"), (Transfer.Kind.RETURN.value, "Returned")),
        (Transfer.Kind.CORRECTION.value, "Corrections"),
        label="Type",
    )
    status = _choice(
        *("status", ("", "Any status")),
        *(("complete", "Complete"), ("processing", "Processing"), ("failed", "Failed")),
        label="Status",
    )
    to = DayField(required=False, label="To")

    # "from" is a word of Python's, so this field cannot be declared like the others.
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["from"] = DayField(required=False, label="From")
        self.order_fields(["q", "direction", "kind", "status", "from", "to"])

    def clean(self) -> None:
        from_on, to_on = self.cleaned_data.get("from"), self.cleaned_data.get("to")
        if from_on and to_on and from_on > to_on:
            self.add_error("to", "The last day is before the first.")

    def filters(self) -> selectors.Filters:
        """Return what the history shows."""
        given = self.cleaned_data
        return selectors.Filters(
            q=given["q"],
            direction=given["direction"],
            kind=given["kind"],
            status=given["status"],
            from_on=given["from"],
            to_on=given["to"],
        )
