"""The banks people choose among."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Choice:
    """
    A bank a person may choose. Its name is its settlement wallet's too: never change it.

    ifsc is what Indian banks call their branch; with an account's number it is where money goes.
    """

    code: str
    name: str
    account: str
    ifsc: str


CHOICES = {
    choice.code: choice
    for choice in (
        Choice(code="banyan", name="Banyan Bank", account="Savings •••• 4821", ifsc="BNYN0000001"),
        Choice(code="harbour", name="Harbour Bank", account="Salary •••• 0936", ifsc="HRBR0000001"),
        Choice(
            code="lotus", name="Lotus Savings", account="Everyday •••• 7750", ifsc="LOTS0000001"
        ),
    )
}


def name_of(code: str) -> str:
    """Return a bank's name; of one we no longer offer, its code."""
    return CHOICES[code].name if code in CHOICES else code
