"""The banks people choose among."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Choice:
    """A bank a person may choose. Its name is its settlement wallet's too: never change it."""

    code: str
    name: str
    account: str


CHOICES = {
    choice.code: choice
    for choice in (
        Choice(code="banyan", name="Banyan Bank", account="Savings •••• 4821"),
        Choice(code="harbour", name="Harbour Bank", account="Salary •••• 0936"),
        Choice(code="lotus", name="Lotus Savings", account="Everyday •••• 7750"),
    )
}


def name_of(code: str) -> str:
    """Return a bank's name; of one we no longer offer, its code."""
    return CHOICES[code].name if code in CHOICES else code
