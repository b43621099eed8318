"""Whose signature counts here. Only a process that signs needs the private key."""

from django.conf import settings

from wallet.notes import Signer, Verifier


class NoKey(Exception):
    """This process has no key to sign with."""


def signer() -> Signer:
    """
    Return what heads are signed with.

    :raises NoKey: where CHECKPOINT_KEY is not set.
    """
    if settings.CHECKPOINT_KEY is None:
        raise NoKey("CHECKPOINT_KEY is not set here, so no checkpoint can be signed.")
    return Signer(settings.CHECKPOINT_ORIGIN, settings.CHECKPOINT_KEY)


def known_verifiers() -> list[Verifier]:
    """Return the public keys we trust: our own, and those that CHECKPOINT_VERIFIERS lists."""
    ours = [signer().verifier] if settings.CHECKPOINT_KEY else []
    return ours + [Verifier.parse(text) for text in settings.CHECKPOINT_VERIFIERS]
