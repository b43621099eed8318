"""The bank beside us, for these tests."""

from tests.simbank.support import bank_api, bank_delivers

__all__ = ["bank_api", "bank_delivers"]
