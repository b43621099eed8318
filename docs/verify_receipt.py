#!/usr/bin/env python3
"""
Checks a NexaPay proof without NexaPay: python3 verify_receipt.py FILE --key KEY

FILE is what a receipt offers as "Proof", or a consistency proof of two checkpoints. KEY is the
verifier key, name+id+key, from the ledger's page of checkpoints - better: from where you noted it
earlier, or from somebody else. Needs Python 3.11 and nothing more; sends nothing anywhere.
Formats: c2sp.org/tlog-checkpoint, c2sp.org/signed-note, RFC 9162 (2.1), RFC 8032.
"""

import argparse
import base64
import json
import re
import sys
from datetime import UTC, datetime, timedelta
from hashlib import sha256, sha512
from typing import Any

Point = tuple[int, int, int, int]

PROVES = """
This proves: whoever holds the key signed a list of {size} entries, and this entry is number {place}
of it, word for word. Were one sign of it different, or its place, this check would have failed.
It does not prove: whose the wallets are, whose the key is, when it was signed, that everybody is
shown the same list (compare checkpoints with others), or that a bank paid anything out."""
CONSISTENT = """Good. {name}: the list of {new} entries begins with the list of {old}, unchanged.
This proves: none of the first {old} was changed, taken away or moved, and none was put between.
It does not prove: that everybody is shown the same list; compare checkpoints with others."""
TRANSFER = "kind source_wallet# target_wallet# amount_minor# currency actor? idempotency_key note"
RECEIPT = "format transfer* entry* leaf* path* checkpoint"
CONSISTENCY = "format from to path*"
ENTRY = (
    "previous_hash transfer wallet# currency version? delta_available_minor# delta_locked_minor#"
    " available_after_minor? locked_after_minor? happened_at posted_at"
)
P, L = 2**255 - 19, 2**252 + 27742317777372353535851937790883648493
D, ROOT = -121665 * pow(121666, -1, P) % P, pow(2, (P - 1) // 4, P)


def need(good: object, sentence: str) -> None:
    if not good:
        raise ValueError(sentence)


def add(p: Point, q: Point) -> Point:
    # Points of the curve as (X, Y, Z, T), RFC 8032, 5.1.4.
    a, b = (p[1] - p[0]) * (q[1] - q[0]), (p[1] + p[0]) * (q[1] + q[0])
    c, d = 2 * p[3] * q[3] * D, 2 * p[2] * q[2]
    e, f, g, h = (b - a) % P, (d - c) % P, (d + c) % P, (b + a) % P
    return e * f % P, g * h % P, f * g % P, e * h % P


def times(s: int, p: Point) -> Point:
    q = (0, 1, 1, 0)
    while s:
        q, p, s = add(q, p) if s & 1 else q, add(p, p), s >> 1
    return q


def point(raw: bytes) -> Point:
    # RFC 8032, 5.1.3.
    y, sign = int.from_bytes(raw, "little") & (1 << 255) - 1, raw[31] >> 7
    square = (y * y - 1) * pow(D * y * y + 1, -1, P) % P
    x = pow(square, (P + 3) // 8, P)
    x = x if (x * x - square) % P == 0 else x * ROOT % P
    need(len(raw) == 32 and y < P and (x * x - square) % P == 0 and (x or not sign), "bad point")
    x = x if x & 1 == sign else P - x
    return x, y, 1, x * y % P


def signed(public: bytes, signature: bytes, message: bytes) -> bool:
    base = point(bytes.fromhex("58" + "66" * 31))
    r, s = signature[:32], int.from_bytes(signature[32:], "little")
    need(len(signature) == 64 and s < L, "its signature is malformed")
    h = int.from_bytes(sha512(r + public + message).digest(), "little") % L
    left, right = times(s, base), add(point(r), times(h, point(public)))
    return all((left[i] * right[2] - right[i] * left[2]) % P == 0 for i in (0, 1))


def opened(note: str, key: str) -> tuple[str, int, bytes]:
    # Returns name, size and root of a checkpoint that the key signed.
    name, key_id, encoded = key.split("+", 2)
    public = base64.b64decode(encoded, validate=True)
    expected = sha256(name.encode() + b"\n" + public).digest()[:4]
    need(public[:1] == b"\x01" and key_id == expected.hex(), "the key is not a verifier key")
    text, _, lines = note.rpartition("\n\n")
    body = re.fullmatch(r"([^\n]+)\n(0|[1-9][0-9]*)\n([A-Za-z0-9+/]{43}=)(\n[^\n]+)*", text)
    if body is None or body[1] != name:
        raise ValueError("its checkpoint is not one of " + name)
    found = re.findall(r"— (\S+) ([A-Za-z0-9+/]+=*)\n", lines)
    need(lines == "".join(f"— {who} {what}\n" for who, what in found), "its note is malformed")
    for who, what in found:  # Other keys' signatures are let pass, as the format says.
        raw = base64.b64decode(what, validate=True)
        if who == name and raw[:4] == expected:
            need(signed(public[1:], raw[4:], text.encode() + b"\n"), "its signature is false")
            return name, int(body[2]), base64.b64decode(body[3])
    raise ValueError("its checkpoint is not signed with this key")


def fields(found: Any, names: str) -> list[Any]:
    # Returns the values in this order; #: a number, ?: or null, *: looked at elsewhere, else text.
    plain = [name.rstrip("#?*") for name in names.split()]
    need(isinstance(found, dict) and sorted(found) == sorted(plain), "it has other fields")
    kinds = {"#": (int,), "?": (int, type(None))}
    for name, kind in zip(plain, names.split(), strict=True):
        value = found[name]
        need(kind[-1] == "*" or type(value) in kinds.get(kind[-1], (str,)), name + " is malformed")
        # A bar would let a value reach into the next: only the note stands last.
        need(name == "note" or not isinstance(value, str) or "|" not in value, name + " has a bar")
    return [found[name] for name in plain]


def bare(text: str, decode: Any, encode: Any) -> bytes:
    # Only one spelling of the same bytes is taken.
    need(isinstance(text, str) and encode(decode(text)) == text, "a hash in it is malformed")
    return bytes(decode(text))


def unhex(text: str) -> bytes:
    return bare(text, bytes.fromhex, bytes.hex)


def unpath(path: Any) -> list[bytes]:
    need(isinstance(path, list), "its path is no list")
    return [
        bare(step, base64.b64decode, lambda raw: base64.b64encode(raw).decode()) for step in path
    ]


def hashed(before: bytes, *parts: Any) -> bytes:
    return sha256(before + "|".join("" if p is None else str(p) for p in parts).encode()).digest()


def micros(text: str) -> int:
    form = "%Y-%m-%dT%H:%M:%S.%fZ"
    at = datetime.strptime(text, form).replace(tzinfo=UTC)
    need(at.strftime(form) == text, "a time in it is malformed")
    return (at - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


def node(left: bytes, right: bytes) -> bytes:
    return sha256(b"\x01" + left + right).digest()


def climb(at: int, last: int, path: list[bytes], left: bytes, both: bytes) -> tuple[bytes, bytes]:
    # RFC 9162, 2.1.3.2 and 2.1.4.2 are one walk.
    for step in path:
        need(last, "its path is too long")
        if at & 1 or at == last:
            left, both = node(step, left), node(step, both)
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            both = node(both, step)
        at, last = at >> 1, last >> 1
    need(last == 0, "its path is too short")
    return left, both


def changes(t: dict[str, Any]) -> dict[int, tuple[int, int]]:
    # What each wallet's available and locked money changes by.
    source, target, amount = t["source_wallet"], t["target_wallet"], t["amount_minor"]
    if t["kind"] in ("hold", "release"):
        return {source: (-amount, amount) if t["kind"] == "hold" else (amount, -amount)}
    return {source: (0, -amount) if t["kind"] == "payout" else (-amount, 0), target: (amount, 0)}


def check_receipt(proof: dict[str, Any], key: str) -> None:
    fields(proof, RECEIPT)
    name, size, root = opened(proof["checkpoint"], key)
    t, e, (index, nonce) = proof["transfer"], proof["entry"], fields(proof["leaf"], "index# nonce")
    fingerprint = hashed(b"", "transfer-1", *fields(t, TRANSFER)).hex()
    before, transfer, *rest, happened, posted = fields(e, ENTRY)
    said = [transfer, fingerprint, *rest, micros(happened), micros(posted)]
    leaf = sha256(b"\0" + unhex(nonce) + hashed(unhex(before), "entry-1", *said)).digest()
    need(0 <= index < size, "its place is not in the checkpoint")
    _, found = climb(index, size - 1, unpath(proof["path"]), leaf, leaf)
    need(found == root, "the entry is not in the checkpoint")
    change = e["delta_available_minor"], e["delta_locked_minor"]
    fits = changes(t).get(e["wallet"]) == change and t["currency"] == e["currency"]
    need(fits, "entry and transfer do not belong together")
    print(f"Good. {name}: {t['kind']} of {t['amount_minor']} {t['currency']} (in minor units)")
    print(f"from wallet {t['source_wallet']} to wallet {t['target_wallet']}, note {t['note']!r},")
    print(f"on {happened}, in the books on {posted}, transfer {transfer}.")
    held = f", and by {change[1]} of what is locked" if change[1] else ""
    print(f"Wallet {e['wallet']} changed by {change[0]}{held};", end=" ")
    print(f"available then: {e['available_after_minor']}.")
    print(PROVES.format(size=size, place=index + 1))


def check_consistency(proof: dict[str, Any], key: str) -> None:
    fields(proof, CONSISTENCY)
    (name, old, old_root), (_, new, new_root) = opened(proof["from"], key), opened(proof["to"], key)
    need(0 < old <= new, "its checkpoints are in the wrong order")
    # Of two equal trees, or of a complete one, the old root begins the path and is left out of it.
    steps = [old_root] if old == new or old & (old - 1) == 0 else []
    steps += unpath(proof["path"])
    need(steps, "its path is too short")
    at, last = (0, 0) if old == new else (old - 1, new - 1)
    while at & 1:
        at, last = at >> 1, last >> 1
    roots = climb(at, last, steps[1:], steps[0], steps[0])
    need(roots == (old_root, new_root), "the larger checkpoint does not begin with the smaller")
    print(CONSISTENT.format(name=name, old=old, new=new))


CHECKS = {
    "nexapay-receipt-proof-1": check_receipt,
    "nexapay-consistency-proof-1": check_consistency,
}


def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    need(len(dict(pairs)) == len(pairs), "a field stands in it twice")
    return dict(pairs)


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.strip().splitlines()[0])
    arguments.add_argument("file")
    arguments.add_argument("--key", required=True, help="the verifier key, name+id+key")
    given = arguments.parse_args()
    sys.stdout.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    try:
        with open(given.file, encoding="utf-8") as file:
            proof = json.load(file, object_pairs_hook=once)
        kind = str(proof.get("format")) if isinstance(proof, dict) else ""
        need(kind in CHECKS, "it is no proof that this program knows")
        CHECKS[kind](proof, given.key)
    except (OSError, ValueError, RecursionError) as problem:
        sys.exit(f"REFUSED: {problem}.")


if __name__ == "__main__":
    main()
