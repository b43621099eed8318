"""Money set aside for nothing, twice, or for something else; holds that forget."""

import json
from collections.abc import Sequence

from tests.wallet import forge
from tests.wallet.attacks.balances import add_shop
from tests.wallet.attacks.history import run
from tests.wallet.forge import ZEROS, Act, sql, write_hold
from tests.wallet.guards import (
    Attack,
    Clause,
    Constraint,
    EveryTruncateTrigger,
    Guard,
    Path,
    Trigger,
    World,
    refused_by,
)
from tests.wallet.rules import (
    HELD,
    HOLDS,
)
from wallet.models import Wallet

JUDGED, STAYS = Trigger("hold_judged"), Trigger("hold_stays")
OF_KIND = Clause("t.kind IS DISTINCT FROM 'hold'")
OF_WALLET = Clause("t.source_id <> h.wallet_id")
OF_AMOUNT = Clause("t.amount_minor <> h.amount_minor")
WHOLE, TERMS = Trigger("hold_begins_whole"), Trigger("hold_keeps_its_terms")
GROWS = Trigger("hold_parts_only_grow")
CLOSED = Constraint("hold_closed_when_nothing_remains")


def change(assignments: str, world: World) -> None:
    sql(f"UPDATE wallet_hold SET {assignments} WHERE id = %s", world.hold_id)


# Money and holds that do not know of each other


@refused_by(HELD)
def money_set_aside_for_nothing(world: World) -> None:
    Act().hold(world.ana, 100).write()


@refused_by(HELD)
def held_money_paid_out_behind_its_hold(world: World) -> None:
    Act().pay_out(world.dan, world.bank, 50).write()


@refused_by(HELD)
def held_money_released_behind_its_hold(world: World) -> None:
    Act().hold(world.dan, -50).write()


@refused_by(HOLDS)
def a_hold_captured_without_its_money(world: World) -> None:
    change("captured_minor = 50", world)


@refused_by(HOLDS)
def a_hold_released_without_its_money(world: World) -> None:
    change("released_minor = 200, status = 'closed', closed_at = now()", world)


@refused_by(OF_KIND, HOLDS)
def a_hold_of_a_payment(world: World) -> None:
    act = Act(transfer=[forge.stored(world.older_id)])
    write_hold(act)


@refused_by(JUDGED, HOLDS)
def a_hold_that_is_not_of_its_transfer_in_any_way(world: World) -> None:
    act = Act(transfer=[forge.stored(world.older_id)])
    write_hold(act, wallet_id=world.ben.pk, amount_minor=7)


@refused_by(OF_AMOUNT, HELD, HOLDS)
def a_hold_of_more_than_was_set_aside(world: World) -> None:
    write_hold(Act().hold(world.ana, 100), amount_minor=150)


@refused_by(OF_WALLET, HELD, HOLDS)
def a_hold_of_what_somebody_else_set_aside(world: World) -> None:
    write_hold(Act().hold(world.ana, 100), wallet_id=world.ben.pk)


@refused_by(Constraint("wallet_hold_transfer_id%"), HOLDS)
def two_holds_of_one_transfer(world: World) -> None:
    [[transfer_id]] = sql("SELECT transfer_id FROM wallet_hold WHERE id = %s", world.hold_id)
    write_hold(Act(transfer=[forge.stored(transfer_id)]))


@refused_by(Trigger("balance_made_with_holds"))
def a_balance_that_is_born_with_money_set_aside_for_nothing(world: World) -> None:
    add_shop(world, 10**9)
    shop = Wallet.objects.get(pk=10**9)
    balance = {"wallet_id": shop.pk, "available_minor": 0, "locked_minor": 0, "version": 0}
    act = Act(balance=[balance | {"head_hash": ZEROS}])
    act.pay(world.ana, shop, 100).hold(shop, 50)
    born = "INSERT INTO wallet_balance SELECT * FROM jsonb_populate_recordset(NULL::wallet_balance,"
    forge.write([*act.parts(), (f"{born} %s::jsonb)", json.dumps(act.balance[:1]))])


# The terms of a hold, and what became of it


@refused_by(WHOLE)
def a_hold_that_begins_half_released(world: World) -> None:
    write_hold(Act().hold(world.ana, 100).hold(world.ana, -40), released_minor=40)


@refused_by(Constraint("hold_amount_positive"), CLOSED, OF_AMOUNT, HELD, HOLDS)
def a_hold_of_nothing(world: World) -> None:
    write_hold(Act().hold(world.ana, 100), amount_minor=0)


@refused_by(Constraint("hold_purpose_known"))
def a_hold_for_fun(world: World) -> None:
    write_hold(Act().hold(world.ana, 100), purpose="fun")


@refused_by(Constraint("hold_expires_after_creation"))
def a_hold_that_is_over_before_it_begins(world: World) -> None:
    write_hold(Act().hold(world.ana, 100), expires_at="2020-02-02T00:00:00Z")


@refused_by(Constraint("hold_wallet_currency"))
def a_hold_in_another_currency_than_its_wallet(world: World) -> None:
    write_hold(Act().hold(world.ana, 100), currency="EUR")


@refused_by(Constraint("wallet_hold_public_id%"))
def two_holds_of_one_public_id(world: World) -> None:
    [[public_id]] = sql("SELECT public_id::text FROM wallet_hold WHERE id = %s", world.hold_id)
    write_hold(Act().hold(world.ana, 100), public_id=public_id)


def set_hold(title: str, assignments: str) -> Attack:
    def attack(world: World) -> None:
        change(assignments.replace("ANA", str(world.ana.pk)), world)

    attack.__name__ = f"a_hold_changed_{title}"
    return attack


CHANGES: list[tuple[str, str, Sequence[Guard]]] = [
    ("id", "id = -1", [TERMS]),
    ("public_id", "public_id = gen_random_uuid()", [TERMS]),
    ("wallet", "wallet_id = ANA", [TERMS, HOLDS]),
    ("transfer", "transfer_id = 1", [TERMS]),
    ("purpose", "purpose = 'fun'", [TERMS, Constraint("hold_purpose_known")]),
    ("amount", "amount_minor = 300", [TERMS, HOLDS]),
    ("currency", "currency = 'EUR'", [TERMS, Constraint("hold_wallet_currency")]),
    ("created_at", "created_at = now() - interval '1 day'", [TERMS]),
    ("expires_at", "expires_at = now() + interval '1 day'", [TERMS]),
    ("parts_that_cancel_out", "captured_minor = -50, released_minor = 50",
     [GROWS, Constraint("hold_parts_not_negative")]),
    ("captured_beyond_its_amount", "captured_minor = 250", [CLOSED, HOLDS]),
    ("status_nobody_knows", "status = 'lost'", [CLOSED, HOLDS]),
    ("closed_while_something_remains", "status = 'closed', closed_at = now()", [CLOSED, HOLDS]),
    ("closing_time_while_it_is_open", "closed_at = now()", [CLOSED]),
]  # fmt: skip
for title, assignments, guards in CHANGES:
    refused_by(*guards)(set_hold(title, assignments))


def release_all(world: World) -> None:
    """Give everything back, honestly but for the hold's own row."""
    Act().hold(world.dan, -200).write()


@refused_by(CLOSED)
def a_hold_open_with_nothing_left(world: World) -> None:
    release_all(world)
    change("released_minor = 200", world)


@refused_by(CLOSED)
def a_hold_closed_at_no_time(world: World) -> None:
    release_all(world)
    change("released_minor = 200, status = 'closed'", world)


@refused_by(GROWS)
def a_closed_hold_changed(world: World) -> None:
    release_all(world)
    change("released_minor = 200, status = 'closed', closed_at = now()", world)
    change("closed_at = now() + interval '1 day'", world)


@refused_by(GROWS)
def a_capture_turned_into_a_release(world: World) -> None:
    Act().pay_out(world.dan, world.bank, 50).write()
    change("captured_minor = 50", world)
    change("captured_minor = 40, released_minor = 10", world)


@refused_by(GROWS)
def a_release_turned_into_a_capture(world: World) -> None:
    Act().hold(world.dan, -50).write()
    change("released_minor = 50", world)
    change("captured_minor = 10, released_minor = 40", world)


refused_by(STAYS)(run("no_hold_deleted", "DELETE FROM wallet_hold WHERE false"))
refused_by(EveryTruncateTrigger())(run("holds_truncated", "TRUNCATE wallet_hold CASCADE"))


# Tables that stand before ours


@refused_by(Path("wallet_judge_locked"))
def money_set_aside_for_a_forged_hold(world: World) -> None:
    sql("CREATE TEMPORARY TABLE wallet_hold AS SELECT * FROM public.wallet_hold")
    sql("UPDATE pg_temp.wallet_hold SET wallet_id = %s, amount_minor = 100", world.ana.pk)
    Act().hold(world.ana, 100).write()


@refused_by(Path("wallet_judge_holds"), HOLDS)
def a_hold_judged_by_a_forged_transfer(world: World) -> None:
    act = Act(transfer=[forge.stored(world.older_id)])
    sql("CREATE TEMPORARY TABLE wallet_transfer AS SELECT * FROM public.wallet_transfer")
    sql("UPDATE pg_temp.wallet_transfer SET kind = 'hold'")
    write_hold(act)
