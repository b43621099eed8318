"""What a run has to say: a line for each round, a table at the end, and JSON for machines."""

import json
import os
import platform
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median
from typing import Any


@dataclass(frozen=True)
class Round:
    """One round: what was done, and what came of it. Seconds, and counts of this round alone."""

    number: int
    fault: str
    acked: int  # Sends.
    settled: int  # Acts whose outcome was unknown until a retry.
    happened: int  # Payments among those that had happened, though nobody was told.
    credits: int
    from_end_s: float  # From the fault's end to the first send that was asked for after it.
    from_start_s: float  # To the same send, from the fault's start.
    took_s: float

    def line(self, of: int) -> str:
        """Return what is shown while it runs."""
        return (
            f"{self.number:>4}/{of} {self.fault:<16} {self.acked:>5} sent "
            f"{self.settled:>4} settled {self.credits:>3} credits  "
            f"back after {self.from_end_s:>6.2f} s ({self.from_start_s:.2f} s from its start)  "
            f"holds  {self.took_s:>5.1f} s"
        )


@dataclass
class Report:
    """A whole run."""

    seed: int
    settings: dict[str, Any]
    left_out: dict[str, str]
    rounds: list[Round] = field(default_factory=list)
    sums: dict[str, int] = field(default_factory=dict)
    findings: list[str] = field(default_factory=list)

    def table(self) -> str:
        """Return the figures by fault, and their sums."""
        head = f"{'fault':<16} {'rounds':>6} {'sent':>7} {'settled':>8} {'credits':>8}"
        lines = [f"{head} {'back p50 s':>11} {'max s':>7} {'from start p50':>15} {'max':>7}"]
        faults = sorted({done.fault for done in self.rounds})
        lines += [_row(name, [d for d in self.rounds if d.fault == name]) for name in faults]
        if len(self.rounds) > 1:
            lines.append(_row("all", self.rounds))
        lines += [f"{fault}: left out, {why}" for fault, why in self.left_out.items()]
        lines += [f"{name.replace('_', ' ')}: {value:,}" for name, value in self.sums.items()]
        return "\n".join(lines)

    def write(self, path: Path) -> None:
        """Write everything as JSON."""
        path.write_text(json.dumps(asdict(self) | {"machine": machine()}, indent=1) + "\n")


def _row(name: str, rounds: list[Round]) -> str:
    ends, starts = ([getattr(d, f"from_{x}_s") for d in rounds] for x in ("end", "start"))
    return (
        f"{name:<16} {len(rounds):>6} {sum(d.acked for d in rounds):>7} "
        f"{sum(d.settled for d in rounds):>8} {sum(d.credits for d in rounds):>8} "
        f"{median(ends):>11.2f} {max(ends):>7.2f} {median(starts):>15.2f} {max(starts):>7.2f}"
    )


def machine() -> dict[str, Any]:
    """Say where it ran."""
    return {
        "system": platform.platform(),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
    }
