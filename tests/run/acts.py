"""What the clients of the torture note, for tests of its log and of its verdict."""

from uuid import uuid4

from bench.torture.records import Act, Outcome, Records


def done(known: Records, act: Act, *outcomes: Outcome, receipt: str = "") -> Act:
    """Note tries of an act that ended like this."""
    for outcome in outcomes:
        with known.trying(act) as tried:
            tried.judge(outcome, receipt=receipt)
    return act


def a_send(known: Records, *outcomes: Outcome) -> Act:
    """Note that Ana's client asked to send Ben 2.50, and how its tries ended."""
    key = str(uuid4())
    act = known.new_send("ana", "ben", 250, key=key, note=f"torture {key}")
    return done(known, act, *outcomes)
