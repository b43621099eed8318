"""
Signed notes (https://c2sp.org/signed-note) and the checkpoints of logs that are written in them
(https://c2sp.org/tlog-checkpoint). Signatures are Ed25519 (RFC 8032) by `cryptography`.
"""

import base64
import re
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

_ED25519 = b"\x01"  # The note format's name for this kind of signature.
_MAX_LENGTH = 65_536
_SIGNATURE = re.compile(r"— ([^\s+]+) ([A-Za-z0-9+/]+={0,2})")
_BODY = re.compile(r"([^\n]+)\n(0|[1-9][0-9]{0,18})\n([A-Za-z0-9+/]{43}=)\n(?:[^\n]+\n)*")


class BadNote(Exception):
    """A note that cannot be trusted. The message completes "the note …"."""


@dataclass(frozen=True)
class Verifier:
    """A public key (32 bytes) and the name it signs as."""

    name: str
    public: bytes

    @property
    def key_id(self) -> bytes:
        """Return the four bytes that tell this key from others of its name."""
        return sha256(self.name.encode() + b"\n" + _ED25519 + self.public).digest()[:4]

    def __str__(self) -> str:
        """Return the verifier key as tools take it: name+id+key."""
        return f"{self.name}+{self.key_id.hex()}+{_encoded(_ED25519 + self.public)}"

    @classmethod
    def parse(cls, text: str) -> "Verifier":
        """
        Read a verifier key.

        :raises ValueError: if it is malformed, or its parts do not belong together.
        """
        name, _, rest = text.partition("+")
        _key_id, _, key = rest.partition("+")
        found = cls(name, base64.b64decode(key, validate=True)[1:])
        if not name or len(found.public) != 32 or str(found) != text:
            raise ValueError("it is no verifier key of an Ed25519 note: name+id+key")
        return found

    def verifies(self, signature: bytes, text: str) -> bool:
        """Tell whether this key signed the text."""
        try:
            Ed25519PublicKey.from_public_bytes(self.public).verify(signature, text.encode())
        except (InvalidSignature, ValueError):
            return False
        return True


@dataclass(frozen=True)
class Signer:
    """A private key (its seed of 32 bytes) and the name it signs as."""

    name: str
    seed: bytes

    @property
    def verifier(self) -> Verifier:
        """Return what may be published."""
        key = Ed25519PrivateKey.from_private_bytes(self.seed)
        return Verifier(self.name, key.public_key().public_bytes_raw())

    def sign(self, text: str) -> str:
        """Return the note that holds the text (which ends in a newline) and our signature."""
        signature = Ed25519PrivateKey.from_private_bytes(self.seed).sign(text.encode())
        return f"{text}\n— {self.name} {_encoded(self.verifier.key_id + signature)}\n"


@dataclass(frozen=True)
class Head:
    """The head of a log: the root over its first size leaves."""

    origin: str
    size: int
    root: bytes

    @property
    def text(self) -> str:
        """Return what is signed."""
        return f"{self.origin}\n{self.size}\n{_encoded(self.root)}\n"

    @classmethod
    def parse(cls, text: str) -> "Head":
        """
        Read the body of a checkpoint; extension lines are let pass.

        :raises BadNote: if it is none.
        """
        match = _BODY.fullmatch(text)
        if match is None:
            raise BadNote("is no checkpoint: it must say an origin, a size and a root")
        return cls(match[1], int(match[2]), base64.b64decode(match[3]))


def opened(note: str, verifiers: Sequence[Verifier]) -> str:
    """
    Return the text of a note that one of these keys signed.

    Signatures of other keys are passed over, as the format demands; a bad one of ours is not.

    :raises BadNote: if nobody we know signed it, or somebody we know did not.
    """
    text, blank, lines = note.rpartition("\n\n")
    is_clean = len(note) <= _MAX_LENGTH and not re.search(r"[\x00-\x09\x0b-\x1f]", note)
    if not (blank and is_clean and lines.endswith("\n")):
        raise BadNote("is malformed")
    text += "\n"
    known = {(verifier.name, verifier.key_id): verifier for verifier in verifiers}
    trusted = False
    for line in lines[:-1].split("\n"):
        name, key_id, signature = _signature(line)
        if verifier := known.get((name, key_id)):
            if not verifier.verifies(signature, text):
                raise BadNote(f"carries a bad signature of {name}")
            trusted = True
    if not trusted:
        raise BadNote("is not signed by a key we know")
    return text


def _signature(line: str) -> tuple[str, bytes, bytes]:
    """Return who signs, with which key, and the signature."""
    match = _SIGNATURE.fullmatch(line)
    try:
        raw = base64.b64decode(match[2], validate=True) if match else b""
    except ValueError:
        raw = b""
    if match is None or len(raw) < 5:
        raise BadNote("carries a malformed signature")
    return match[1], raw[:4], raw[4:]


def _encoded(raw: bytes) -> str:
    return base64.b64encode(raw).decode()
