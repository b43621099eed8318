"""Alternating rounds, medians, a table for people and JSON for programs."""

import json
import os
import platform
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any

import django
from django.db import connection

RESULTS = Path(__file__).parent / "results"
_SETTINGS = ("server_version", "fsync", "synchronous_commit", "shared_buffers", "max_connections")


@dataclass
class Case:
    """One thing that is measured; measure returns a number of unit, larger being better or not."""

    name: str
    measure: Callable[[], float]
    unit: str = "/s"
    figures: list[float] = field(default_factory=list)

    @property
    def median(self) -> float:
        """The median of all rounds."""
        return median(self.figures)


def by_name(cases: list[Case]) -> dict[str, Case]:
    """Return those that were measured."""
    return {case.name: case for case in cases if case.figures}


def progress(line: str) -> None:
    """Say what is going on, beside the table."""
    print(line, file=sys.stderr, flush=True)


def alternate(cases: list[Case], rounds: int) -> None:
    """Measure every case once in each round, so that a slow minute is slow for all of them."""
    for number in range(1, rounds + 1):
        for case in cases:
            case.figures.append(case.measure())
            progress(f"round {number}/{rounds}: {case.name}: {case.figures[-1]:,.1f}{case.unit}")


@dataclass(frozen=True)
class Ratio:
    """How one figure stands to another, and what we want of it; goal 0 is no goal."""

    name: str
    value: float
    goal: float = 0
    at_most: bool = False
    spread: str = ""

    @classmethod
    def between(
        cls, ours: Case, other: Case, goal: float = 0, *, at_most: bool = False, name: str = ""
    ) -> "Ratio":
        """Divide round by round, for a slow minute is slow for both, and take the median."""
        each = [one / two for one, two in zip(ours.figures, other.figures, strict=True)]
        spread = f"({min(each):.3f} to {max(each):.3f})"
        return cls(name or f"{ours.name} to {other.name}", median(each), goal, at_most, spread)

    @property
    def verdict(self) -> str:
        """Say whether the goal is met."""
        if not self.goal:
            return ""
        met = self.value <= self.goal if self.at_most else self.value >= self.goal
        return f"goal {'at most' if self.at_most else 'at least'} {self.goal:g}: " + (
            "met" if met else "MISSED"
        )


def finish(name: str, cases: list[Case], ratios: list[Ratio], **more: Any) -> None:
    """Print the table and the ratios, and write bench/results/NAME-TIME.json."""
    machine = _machine()
    print(f"\n{name}: medians of {len(cases[0].figures)} rounds, on {machine['cpus']} CPUs")
    print(", ".join(f"{key} {value}" for key, value in machine["versions"].items()))
    print(", ".join(f"{key} {value}" for key, value in machine["settings"].items()) + "\n")
    names = [case.name for case in cases] + [ratio.name for ratio in ratios]
    width = max(map(len, names))
    for case in cases:
        low, high = min(case.figures), max(case.figures)
        spread = f"({low:,.1f} to {high:,.1f})"
        print(f"  {case.name:{width}}  {case.median:>12,.1f}{case.unit}  {spread}")
    print()
    for ratio in ratios:
        print(f"  {ratio.name:{width}}  {ratio.value:>12.3f}  {ratio.spread}  {ratio.verdict}")
    _write(name, machine, cases, ratios, more)


def _machine() -> dict[str, Any]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT name, current_setting(name) FROM unnest(%s::text[]) name", [list(_SETTINGS)]
        )
        settings = dict(cursor.fetchall())
    versions = {
        "Python": platform.python_version(),
        "Django": django.get_version(),
        "PostgreSQL": settings.pop("server_version"),
    }
    kind = f"{platform.system()} {platform.machine()}"
    return {"cpus": os.cpu_count(), "kind": kind, "versions": versions, "settings": settings}


def _write(
    name: str, machine: dict[str, Any], cases: list[Case], ratios: list[Ratio], more: dict[str, Any]
) -> None:
    at = datetime.now(UTC)
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{name}-{at:%Y%m%dT%H%M%SZ}.json"
    measured = {case.name: {"unit": case.unit, "figures": case.figures} for case in cases}
    result = {
        "bench": name,
        "at": at.isoformat(),
        "machine": machine,
        "cases": measured,
        "ratios": {ratio.name: ratio.value for ratio in ratios},
        **more,
    }
    path.write_text(json.dumps(result, indent=2) + "\n")
    print(f"\nWritten to {path}")
