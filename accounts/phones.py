"""
Phone numbers: read strictly, kept as E.164, shown masked.

A number is refused for what it cannot be, never for what is not in use: numbering plans change
faster than any list of them.
"""

import re

import phonenumbers
from django.conf import settings
from phonenumbers import PhoneNumberFormat, PhoneNumberType

MAX_TYPED = 32
EXAMPLE = (
    "Enter a mobile number such as 98450 68214, or with its country code, such as +44 7700 900123."
)
# What people type between the digits. [0-9], because \d would take the digits of every script.
_TYPED = re.compile(r"[ (]*\+?[0-9 ()-]+")
_E164 = re.compile(r"\+[1-9][0-9]{6,14}")


class PhoneError(ValueError):
    """The text is not a phone number. The message is a sentence for the person who typed it."""


def parse(text: str) -> str:
    """
    Return the number in E.164; without a country code it is one of settings.PHONE_REGION.

    >>> parse("98450 68214") == parse("0091 98450-68214") == "+919845068214"
    True

    :raises PhoneError: if it is anything but a number that a mobile may have.
    """
    if len(text) > MAX_TYPED or not _TYPED.fullmatch(text):
        raise PhoneError(EXAMPLE)
    try:
        number = phonenumbers.parse(text, settings.PHONE_REGION)
    except phonenumbers.NumberParseException as error:
        raise PhoneError(EXAMPLE) from error
    e164 = phonenumbers.format_number(number, PhoneNumberFormat.E164)
    if not _E164.fullmatch(e164) or not _fits_a_mobile(number):
        raise PhoneError(EXAMPLE)
    return e164


def _fits_a_mobile(number: phonenumbers.PhoneNumber) -> bool:
    return phonenumbers.is_possible_number_for_type(number, PhoneNumberType.MOBILE)


def masked(e164: str) -> str:
    """
    Return the number with its first half hidden, for its owner's screen.

    >>> masked("+919845068214")
    '+91 ••••• 68214'
    """
    number = phonenumbers.parse(e164)
    digits = phonenumbers.national_significant_number(number)
    hidden = len(digits) // 2
    return f"+{number.country_code} {'•' * hidden} {digits[hidden:]}"
