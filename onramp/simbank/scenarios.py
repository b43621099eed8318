"""How this bank may misbehave: what it sends then, and how its API answers."""

from dataclasses import dataclass
from datetime import datetime

from onramp.simbank.models import ActiveScenario, Payment, Payout

CALM = "calm"


@dataclass(frozen=True, kw_only=True)
class Sending:
    """
    One webhook of a scenario, after delay_s and up to jitter_s more.

    trick is how it is sent (tricks.py); its amount is multiplied by factor; is_opposite makes a
    failure of a success, and a success of a failure.
    """

    delay_s: int = 0
    jitter_s: int = 0
    trick: str = ""
    factor: int = 1
    is_opposite: bool = False


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """answers are how the API answers about one payment, one after the other (troubles.py)."""

    name: str
    title: str
    text: str
    sendings: tuple[Sending, ...] = (Sending(),)
    answers: tuple[str, ...] = ()


_LOST = (Sending(trick="lose"),)
SCENARIOS = {
    scenario.name: scenario
    for scenario in (
        Scenario(
            name="duplicate",
            title="Send the webhook 100 times",
            text="You are credited once.",
            sendings=(Sending(),) * 100,
        ),
        Scenario(
            name="reorder",
            title="Send webhooks out of order",
            text="Each waits up to 30 seconds, so that later ones overtake it.",
            sendings=(Sending(jitter_s=30),),
        ),
        Scenario(
            name="delay",
            title="Send the webhook 10 minutes late",
            text="NexaPay has asked by then, and learns nothing new.",
            sendings=(Sending(delay_s=600),),
        ),
        Scenario(
            name="lose",
            title="Lose the webhook",
            text="NexaPay asks by itself after a while.",
            sendings=_LOST,
        ),
        Scenario(
            name="forge",
            title="Sign with a wrong secret",
            text="It is refused; NexaPay asks by itself after a while.",
            sendings=(Sending(trick="forge"),),
        ),
        Scenario(
            name="wrong_amount",
            title="Name a hundred times the amount",
            text="It is kept for staff; NexaPay asks, and credits what you approved.",
            sendings=(Sending(factor=100),),
        ),
        Scenario(
            name="success_then_failure",
            title="Say success, then failure",
            text="The first word stands; the second is kept for staff.",
            sendings=(Sending(), Sending(delay_s=5, is_opposite=True)),
        ),
        Scenario(
            name="slow",
            title="Answer slowly, and lose the webhook",
            text="Each answer of the bank's API takes three seconds.",
            sendings=_LOST,
            answers=("slow",) * 50,
        ),
        Scenario(
            name="errors",
            title="Answer with errors, and lose the webhook",
            text="First an error 500, then nothing in time; after that the API is well.",
            sendings=_LOST,
            answers=("error", "hang"),
        ),
        Scenario(
            name="half_open",
            title="Leave connections half open",
            text="The webhook stops half way, and so do two answers of the API.",
            sendings=(Sending(trick="half_open"),),
            answers=("half", "half"),
        ),
        Scenario(
            name="rotate",
            title="Change the signing secret half way",
            text="One copy is signed with the newest secret, one with the oldest.",
            sendings=(Sending(trick="new_secret"), Sending(delay_s=2, trick="old_secret")),
        ),
        Scenario(
            name="replay",
            title="Replay last week's webhook",
            text="With its old signature it is refused, signed anew it changes nothing.",
            sendings=(Sending(), Sending(delay_s=5, trick="replay"), Sending(delay_s=10)),
        ),
        Scenario(
            name="clock_off",
            title="Have a clock that is 10 minutes off",
            text="What it signs is refused; NexaPay asks by itself after a while.",
            sendings=(Sending(trick="clock_off"),),
        ),
    )
}


def of(about: Payment | Payout) -> Scenario | None:
    """Return the scenario of a payment: its own, else the active one; of a payout, the latter."""
    chosen = about.scenario if isinstance(about, Payment) else ""
    return SCENARIOS.get(chosen or active())


def active() -> str:
    """Return the name of the scenario for all that has none of its own, or CALM."""
    return ActiveScenario.objects.values_list("name", flat=True).first() or CALM


def choose(*, name: str, now: datetime) -> None:
    """
    Let a scenario, or CALM, be the active one from now on.

    :raises KeyError: if there is none of that name.
    """
    if name != CALM:
        SCENARIOS[name]
    ActiveScenario.objects.update_or_create(pk=1, defaults={"name": name, "since": now})
