"""docs/verify_receipt.py checks proofs on its own: standard library only, away from NexaPay."""

import copy
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from pytest_django import Settings

from tests.factories import capture, hold, make_wallet, release, send
from tests.wallet.published import KEY, entry_of, may_sign, proof_of, publish
from tests.wallet.support import without_onramps
from tests.wallet.verifier import PROGRAM, program
from wallet import checkpoints, merkle
from wallet.notes import Head, Signer

NOTE = "Tea | “chai” \u202e चाय"
VERIFIER = str(Signer("testserver/ledger", KEY).verifier)
Proof = dict[str, Any]
_made: dict[str, Proof] = {}


@pytest.fixture
def proofs(db: None, settings: Settings, tmp_path: Path) -> dict[str, Proof]:
    """Real proofs of both sides of a payment, of money added, and of a ledger that grew."""
    if not _made:  # Once is enough: they are documents, and outlive their database.
        may_sign(settings, tmp_path)
        _made.update(_make())
    return copy.deepcopy(_made)


def _make() -> dict[str, Proof]:
    without_onramps()
    ana, ben = make_wallet(balance_minor=10_000), make_wallet(balance_minor=500)
    added = ana.entries.get().transfer
    tea = send(ana, ben, 300, note=NOTE)
    held = hold(ana, 400)
    given_back, left = release(held, 100), capture(held)
    old = publish()
    for _ in range(3):
        send(ben, ana, 5)
    new = publish()
    return {
        "paid": proof_of(entry_of(tea, ana)),
        "got": proof_of(entry_of(tea, ben)),
        "added": proof_of(entry_of(added, ana)),
        "of the bank": proof_of(entry_of(added, added.source)),
        "held": proof_of(entry_of(held.transfer, ana)),
        "released": proof_of(entry_of(given_back, ana)),
        "withdrawn": proof_of(entry_of(left, ana)),
        "of the bank that paid it out": proof_of(entry_of(left, left.target)),
        "consistency": json.loads(json.dumps(checkpoints.consistency(old=old, new=new))),
        "the same": json.loads(json.dumps(checkpoints.consistency(old=new, new=new))),
    }


def refusal(proof: Any, *, key: str = VERIFIER) -> str:
    """Return why the program refuses the proof, in this process; "" when it does not."""
    try:
        kind = proof["format"]
        program.CHECKS[kind](proof, key)
    except ValueError as problem:
        return str(problem) or "refused"
    return ""


def run(folder: Path, text: str, *, key: str = VERIFIER) -> "subprocess.CompletedProcess[str]":
    file = folder / "proof.json"
    file.write_bytes(text.encode("utf-8", "surrogatepass"))
    return subprocess.run(
        [sys.executable, "-I", str(PROGRAM), str(file), "--key", key],
        capture_output=True,
        text=True,
        cwd=folder,
        env={"LC_ALL": "C.UTF-8"},
    )


class TestTheProgram:
    def test_takes_a_real_proof_and_says_what_it_proves(
        self, proofs: dict[str, Proof], tmp_path: Path
    ) -> None:
        done = run(tmp_path, json.dumps(proofs["paid"]))

        assert (done.returncode, done.stderr) == (0, "")
        source = proofs["paid"]["transfer"]["source_wallet"]
        assert f"from wallet {source} to wallet" in done.stdout
        assert "300 INR (in minor units)" in done.stdout
        assert "note 'Tea | “chai” \\u202e चाय'," in done.stdout
        assert f"Wallet {source} changed by -300; available then: 9700." in done.stdout
        assert "This proves:" in done.stdout
        assert "It does not prove:" in done.stdout

    def test_takes_a_consistency_proof(self, proofs: dict[str, Proof], tmp_path: Path) -> None:
        done = run(tmp_path, json.dumps(proofs["consistency"]))

        assert (done.returncode, done.stderr) == (0, "")
        assert "the list of 16 entries begins with the list of 10, unchanged" in done.stdout

    @pytest.mark.parametrize(
        "text",
        ["", "{}", '{"format": ["x"]}', "[" * 100_000, '{"a": 1, "a": 2}', "\ud800"],
    )
    def test_refuses_what_is_no_proof(self, text: str, tmp_path: Path) -> None:
        done = run(tmp_path, text)

        assert done.returncode == 1
        assert done.stderr.startswith("REFUSED: ")
        assert done.stderr.count("\n") == 1

    def test_refuses_in_one_sentence(self, proofs: dict[str, Proof], tmp_path: Path) -> None:
        proof = proofs["paid"] | {"path": []}

        done = run(tmp_path, json.dumps(proof))

        assert (done.returncode, done.stdout) == (1, "")
        assert done.stderr == "REFUSED: its path is too short.\n"

    def test_is_standard_library_and_short(self) -> None:
        text = PROGRAM.read_text()
        imported = {
            line.split()[1] for line in text.splitlines() if line.startswith(("import ", "from "))
        }

        assert imported <= sys.stdlib_module_names
        assert len(text.splitlines()) < 240


class TestProofs:
    @pytest.mark.parametrize("name", ["paid", "got", "added", "of the bank"])
    def test_of_every_kind_are_taken(self, name: str, proofs: dict[str, Proof]) -> None:
        assert refusal(proofs[name]) == ""

    @pytest.mark.parametrize("name", ["consistency", "the same"])
    def test_of_consistency_are_taken(self, name: str, proofs: dict[str, Proof]) -> None:
        assert refusal(proofs[name]) == ""

    def test_with_the_key_of_others_are_refused(self, proofs: dict[str, Proof]) -> None:
        other = str(Signer("testserver/ledger", bytes(32)).verifier)

        assert refusal(proofs["paid"], key=other) == "its checkpoint is not signed with this key"
        assert "not one of" in refusal(proofs["paid"], key=str(Signer("x", KEY).verifier))

    @pytest.mark.parametrize("key", ["", "a+b+c", VERIFIER[:-4], VERIFIER.replace("+", "", 1)])
    def test_with_no_key_at_all_are_refused(self, key: str, proofs: dict[str, Proof]) -> None:
        assert refusal(proofs["paid"], key=key)


def values(document: Any, path: tuple[Any, ...] = ()) -> list[tuple[tuple[Any, ...], Any]]:
    """Return the place of every value in the document, and the value."""
    if isinstance(document, dict | list):
        pairs = document.items() if isinstance(document, dict) else enumerate(document)
        return [found for name, inner in pairs for found in values(inner, (*path, name))]
    return [(path, document)]


def changed(proof: Proof, place: tuple[Any, ...], value: Any) -> Proof:
    document = copy.deepcopy(proof)
    inner: Any = document
    for step in place[:-1]:
        inner = inner[step]
    inner[place[-1]] = value
    return document


def others(value: Any) -> list[Any]:
    """Return what somebody might write in place of the value."""
    if value is None:
        return [0, 1, "", "x", False]
    if isinstance(value, int):
        return [value + 1, value - 1, -value or 7, str(value), float(value), None, True]
    flipped = [
        value[:at] + ("0" if value[at] != "0" else "1") + value[at + 1 :]
        for at in {0, len(value) // 2, len(value) - 2}
        if 0 <= at < len(value)
    ]
    cased = [text for text in (value.upper(), value.lower(), value.swapcase()) if text != value]
    return [*flipped, *cased, value + " ", value + "|", f"{value}\n", None, 5, "", "💸"]


class TestTampering:
    @pytest.mark.parametrize("name", ["paid", "of the bank", "consistency"])
    def test_with_any_value_is_refused(self, name: str, proofs: dict[str, Proof]) -> None:
        for place, value in values(proofs[name]):
            for other in [other for other in others(value) if repr(other) != repr(value)]:
                told = changed(proofs[name], place, other)
                assert _is_refused(told), (place, value, other)

    @pytest.mark.parametrize("name", ["paid", "consistency"])
    def test_with_the_fields_themselves_is_refused(
        self, name: str, proofs: dict[str, Proof]
    ) -> None:
        for part in (None, "transfer", "entry", "leaf"):
            for document, inner in _copies(proofs[name], part):
                inner["payee"] = "Ana"
                assert _is_refused(document)
            for field in list(proofs[name] if part is None else proofs[name].get(part, {})):
                for document, inner in _copies(proofs[name], part):
                    del inner[field]
                    assert _is_refused(document), field

    def test_with_the_order_of_fields_changes_nothing(self, proofs: dict[str, Proof]) -> None:
        """Or labels could be moved while the values stay in the order that is hashed."""
        proof = copy.deepcopy(proofs["paid"])
        transfer = proof["transfer"]
        proof["transfer"] = dict(sorted(transfer.items(), reverse=True))
        assert refusal(proof) == ""
        names = list(transfer)
        names[1], names[2] = names[2], names[1]

        proof["transfer"] = dict(zip(names, transfer.values(), strict=True))

        assert refusal(proof) == "the entry is not in the checkpoint"

    def test_by_moving_a_bar_from_the_note_into_another_field_is_refused(
        self, proofs: dict[str, Proof]
    ) -> None:
        proof = copy.deepcopy(proofs["paid"])
        proof["transfer"]["idempotency_key"] += "|Tea "
        proof["transfer"]["note"] = " “chai” \u202e चाय"

        assert refusal(proof) == "idempotency_key has a bar"

    def test_by_taking_parts_of_another_proof_is_refused(self, proofs: dict[str, Proof]) -> None:
        for part in ("transfer", "entry", "leaf", "path"):
            assert refusal(proofs["paid"] | {part: proofs["added"][part]}), part

    @pytest.mark.parametrize(
        "lie", [{"delta_available_minor": 300}, {"currency": "EUR"}, {"wallet": 999}, {}]
    )
    def test_by_whoever_holds_the_key_is_refused_where_it_makes_no_sense(
        self, lie: dict[str, Any], proofs: dict[str, Proof]
    ) -> None:
        proof = proofs["paid"]
        proof["entry"] |= lie

        assert bool(refusal(signed_alone(proof))) == bool(lie)

    def test_with_the_path_is_refused(self, proofs: dict[str, Proof]) -> None:
        for name in ("paid", "consistency"):
            path = proofs[name]["path"]
            wrong: list[Any] = [path[1:], path[:-1], [*path, path[0]], path[::-1], {}, "x", None]
            for other in wrong:
                assert _is_refused(proofs[name] | {"path": other}), other

    def test_by_heads_in_the_wrong_order_is_refused(self, proofs: dict[str, Proof]) -> None:
        proof = proofs["consistency"]

        assert "wrong order" in refusal(proof | {"from": proof["to"], "to": proof["from"]})


def signed_alone(proof: Proof) -> Proof:
    """Return the proof with a head, signed with our key, over nothing but what it says."""
    fingerprint = program.hashed(b"", "transfer-1", *proof["transfer"].values()).hex()
    previous, transfer, *rest, happened, posted = proof["entry"].values()
    said = [transfer, fingerprint, *rest, program.micros(happened), program.micros(posted)]
    digest = program.hashed(bytes.fromhex(previous), "entry-1", *said)
    leaf = merkle.leaf_hash(bytes.fromhex(proof["leaf"]["nonce"]) + digest)
    signer = Signer("testserver/ledger", KEY)
    note = signer.sign(Head(signer.name, 1, leaf).text)
    return proof | {"leaf": proof["leaf"] | {"index": 0}, "path": [], "checkpoint": note}


def _copies(proof: Proof, part: str | None) -> list[tuple[Proof, Proof]]:
    document = copy.deepcopy(proof)
    if part is None:
        return [(document, document)]
    return [(document, document[part])] if part in document else []


def _is_refused(proof: Proof) -> bool:
    """Tell whether the program ends with a refusal; anything but a ValueError would be a crash."""
    if not isinstance(proof.get("format"), str) or proof["format"] not in program.CHECKS:
        return True  # main() looks at this first; see TestTheProgram.
    return bool(refusal(proof))
