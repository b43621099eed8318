"""docs/verify_receipt.py reads Ed25519 signatures as a library does."""

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import settings as hypothesis
from hypothesis import strategies as st

from tests.wallet.verifier import program


class TestEd25519:
    """The program's own signatures agree with a library's, good and bad."""

    @hypothesis(max_examples=10)
    @given(seed=st.binary(min_size=32, max_size=32), message=st.binary(max_size=200))
    def test_agrees_with_the_library(self, seed: bytes, message: bytes) -> None:
        key = Ed25519PrivateKey.from_private_bytes(seed)
        public, signature = key.public_key().public_bytes_raw(), key.sign(message)

        assert program.signed(public, signature, message)
        assert not program.signed(public, signature, message + b"x")

    def test_takes_the_vector_of_the_standard(self) -> None:
        """RFC 8032, 7.1, test 3."""
        public = bytes.fromhex("fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025")
        signature = bytes.fromhex(
            "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac"
            "18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a"
        )

        assert program.signed(public, signature, bytes.fromhex("af82"))

    def test_refuses_a_signature_written_in_another_way(self) -> None:
        key = Ed25519PrivateKey.from_private_bytes(bytes(32))
        public, signature = key.public_key().public_bytes_raw(), key.sign(b"x")
        s = int.from_bytes(signature[32:], "little") + program.L

        with pytest.raises(ValueError, match="malformed"):
            program.signed(public, signature[:32] + s.to_bytes(32, "little"), b"x")
        with pytest.raises(ValueError, match="malformed"):
            program.signed(public, signature + b"x", b"x")
