"""Checkpoints are signed notes as C2SP defines them."""

import base64

import pytest

from wallet.notes import BadNote, Head, Signer, Verifier, opened

OURS = Signer("pay.example.com/ledger", bytes(range(32)))
OTHERS = Signer("witness.example.com", bytes(32))
HEAD = Head("pay.example.com/ledger", 20_852_163, bytes(range(100, 132)))
NOTE = OURS.sign(HEAD.text)
TEXT, SIGNATURE = NOTE.split("\n\n")

# From the documentation of golang.org/x/mod/sumdb/note: a note and its keys, made by other hands.
PETER = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
PETERS_SEED = base64.b64decode("AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz")[1:]
PETERS_NOTE = (
    "If you think cryptography is the answer to your problem,\n"
    "then you don't know what your problem is.\n"
    "\n"
    "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpR"
    "Zb6KE6RyyBwJnAM=\n"
)  # fmt: skip


class TestANote:
    def test_of_other_hands_is_opened(self) -> None:
        assert opened(PETERS_NOTE, [Verifier.parse(PETER)]).startswith("If you think")

    def test_is_written_as_other_hands_write_it(self) -> None:
        text = PETERS_NOTE.split("\n\n")[0] + "\n"

        assert Signer("PeterNeumann", PETERS_SEED).sign(text) == PETERS_NOTE

    def test_has_the_form_of_a_checkpoint(self) -> None:
        root = base64.b64encode(HEAD.root).decode()

        assert f"pay.example.com/ledger\n20852163\n{root}" == TEXT
        assert SIGNATURE.startswith("— pay.example.com/ledger ")
        raw = base64.b64decode(SIGNATURE.split(" ")[2])
        assert (raw[:4], len(raw)) == (OURS.verifier.key_id, 68)

    def test_gives_back_what_was_signed(self) -> None:
        assert Head.parse(opened(NOTE, [OURS.verifier])) == HEAD

    def test_may_be_signed_by_others_too(self) -> None:
        both = NOTE + OTHERS.sign(HEAD.text).split("\n\n")[1]

        assert opened(both, [OURS.verifier]) == HEAD.text
        assert opened(both, [OTHERS.verifier]) == HEAD.text

    def test_of_strangers_alone_is_refused(self) -> None:
        with pytest.raises(BadNote, match="not signed by a key we know"):
            opened(OTHERS.sign(HEAD.text), [OURS.verifier])

    def test_with_our_name_and_another_key_is_refused(self) -> None:
        forged = Signer(OURS.name, bytes(32)).sign(HEAD.text)

        with pytest.raises(BadNote, match="not signed by a key we know"):
            opened(forged, [OURS.verifier])

    @pytest.mark.parametrize(
        "note",
        [
            NOTE.replace("20852163", "20852164"),
            NOTE.replace("pay.example.com/ledger\n", "pay.example.org/ledger\n"),
            OURS.sign(HEAD.text + "\n").replace("\n\n\n", "\n\n"),
            NOTE + Signer(OURS.name, bytes(range(32))).sign("other\n").split("\n\n")[1],
        ],
    )
    def test_whose_text_is_not_what_we_signed_is_refused(self, note: str) -> None:
        with pytest.raises(BadNote, match="bad signature"):
            opened(note, [OURS.verifier])

    @pytest.mark.parametrize(
        "note",
        [
            "",
            TEXT,
            NOTE.rstrip("\n"),
            NOTE.replace("\n\n", "\n"),
            NOTE.replace("—", "-"),
            NOTE.replace("20852163", "2085\t2163"),
            NOTE + "\n",
            NOTE + "— x y z\n",
            NOTE + "— x AAAA\n",
            NOTE + "— x A\n",
            NOTE + "— x " + "A" * 70_000 + "\n",
        ],
    )
    def test_that_is_malformed_is_refused(self, note: str) -> None:
        with pytest.raises(BadNote, match="malformed"):
            opened(note, [OURS.verifier])


class TestAHead:
    @pytest.mark.parametrize(
        "text",
        [
            "o\n1\n" + "A" * 43 + "\n",
            "o\n01\n" + "A" * 43 + "=\n",
            "o\n-1\n" + "A" * 43 + "=\n",
            "o\n1\n" + "A" * 42 + "=\n",
            "\n1\n" + "A" * 43 + "=\n",
            "o\n1\n" + "A" * 43 + "=",
            "o\n\uff11\n" + "A" * 43 + "=\n",
            "o\n1\n" + "A" * 43 + "=\n\nx\n",
        ],
    )
    def test_that_is_malformed_is_refused(self, text: str) -> None:
        with pytest.raises(BadNote, match="no checkpoint"):
            Head.parse(text)

    def test_may_say_more_than_we_read(self) -> None:
        assert Head.parse(HEAD.text + "more\n") == HEAD


class TestAVerifierKey:
    def test_is_read_as_it_is_written(self) -> None:
        assert Verifier.parse(str(OURS.verifier)) == OURS.verifier
        assert str(Verifier.parse(PETER)) == PETER

    @pytest.mark.parametrize(
        "text",
        ["", "a+b", PETER[1:], PETER[:-1], PETER.replace("c74f20a3", "c74f20a4"), f"{PETER}+"],
    )
    def test_that_is_malformed_is_refused(self, text: str) -> None:
        with pytest.raises(ValueError, match=r"no verifier key|base64|padding|padded"):
            Verifier.parse(text)
