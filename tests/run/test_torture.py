"""The torture itself: it holds, it repeats, it leaves nothing behind, and it fails loudly."""

import json
import os
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import psutil
import pytest
from django.core.management import CommandError, call_command

from bench.management.commands import torture as command
from bench.torture import disk, freeze
from bench.torture.faults import FAULTS
from bench.torture.report import Report, Round
from bench.torture.rounds import Torture, schedule
from bench.torture.site import Broken
from tests.run.processes import PATIENCE_S, alive, wait_until

ROOT = Path(__file__).resolve().parents[2]


def start(data: Path, *options: str) -> "subprocess.Popen[str]":
    """Start it where the caller's own database cannot even be reached."""
    given = {"DATABASE_URL": "postgresql://nobody@127.0.0.1:9/none", "PYTHONPATH": str(ROOT)}
    return subprocess.Popen(
        [sys.executable, str(ROOT / "manage.py"), "torture", *options],
        env={**os.environ, **given, "NEXAPAY_DATA_DIR": str(data)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


class TestTheTorture:
    def test_holds_for_five_rounds(self, data: Path) -> None:
        faults = ["worker", "backend", "postmaster", "late", "storm"]
        options = ["--rounds", "5", "--seconds", "0.2", "--clients", "3", "--seed", "5"]
        options += ["--only", ",".join(faults), "--json", str(data / "report.json")]

        run = start(data, *options)
        said, _ = run.communicate()

        assert run.returncode == 0, said
        report = json.loads((data / "report.json").read_text())
        assert [done["fault"] for done in report["rounds"]] == schedule(5, 5, faults)
        assert all(done["acked"] >= command.LEAST for done in report["rounds"])
        assert report["sums"]["credits_come_once"] >= 4
        assert list((data / "torture").iterdir()) == []

    def test_cleans_up_when_the_command_is_killed(self, data: Path) -> None:
        run = start(data)
        wait_until(lambda: its_database(data), "its database runs")

        run.kill()
        said, _ = run.communicate()  # Until the run, which shares the pipe, has ended as well.

        assert "Interrupted; everything was stopped." in said
        assert alive(data) == []
        assert list((data / "torture").iterdir()) == []

    def test_leaves_no_process_behind_when_the_run_is_killed(self, data: Path) -> None:
        run = start(data)
        wait_until(lambda: its_database(data), "its database runs")

        psutil.Process(run.pid).children()[0].kill()
        run.communicate()

        wait_until(lambda: not alive(data), "everything that it started is gone")


def its_database(data: Path) -> list[Path]:
    return list(data.glob("torture/*/data/postgres/data/postmaster.pid"))


class TestTheSchedule:
    def test_is_the_seed_s(self) -> None:
        names = list(FAULTS)

        assert schedule(1, 200, names) == schedule(1, 200, names)
        assert schedule(1, 200, names) != schedule(2, 200, names)

    def test_has_each_fault_as_often_as_the_others(self) -> None:
        times = Counter(schedule(7, 10 * len(FAULTS), list(FAULTS)))

        assert set(times.values()) == {10}


class Broke:
    """Stands in for a run in which the first round does not hold."""

    def __init__(self, folder: Path, report: Report, say: Any) -> None:
        self.folder = folder

    def open(self, people: int) -> None:
        (self.folder / "clients.jsonl").write_text("{}\n")

    def run(self, faults: list[str], least: int) -> None:
        raise Broken("round 1, storm: money was made")

    def close(self) -> None:
        (self.folder / "closed").touch()


class TestAFailure:
    def test_is_loud_names_the_seed_and_keeps_the_evidence(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        monkeypatch.setattr(command, "Torture", Broke)
        monkeypatch.setattr(disk, "own_mounts", lambda: "mounts are refused")
        monkeypatch.setattr(signal, "signal", lambda *_: None)
        path = tmp_path / "report.json"

        with pytest.raises(SystemExit) as failure:
            call_command("torture", inside=tmp_path, seed=77, json=path)

        said = capsys.readouterr().out
        assert failure.value.code == 1
        assert "IT DID NOT HOLD. round 1, storm: money was made" in said
        assert "The fault full_disk is left out: mounts are refused." in said
        assert f"Seed 77. Kept: {tmp_path}" in said
        assert {"clients.jsonl", "closed"} <= {kept.name for kept in tmp_path.iterdir()}
        assert json.loads(path.read_text())["findings"] == ["round 1, storm: money was made"]

    def test_is_a_round_in_which_hardly_anything_was_acknowledged(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        done = Round(
            number=1, fault="storm", acked=4, settled=0, happened=0, credits=9,
            from_end_s=0, from_start_s=0, took_s=0,
        )  # fmt: skip
        monkeypatch.setattr(Torture, "_round", lambda *_: done)
        torture = Torture(tmp_path, Report(1, {"seconds": 1}, {}), print)

        with pytest.raises(Broken, match="only 4 sends were acknowledged"):
            torture.run(["storm"], 5)
        torture.close()

    def test_is_a_machine_that_allows_none_of_the_faults(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(disk, "own_mounts", lambda: "mounts are refused")

        with pytest.raises(CommandError, match="Nothing is left to do: mounts are refused"):
            call_command("torture", inside=tmp_path, only="full_disk")

    def test_is_a_fault_that_does_not_exist(self, tmp_path: Path) -> None:
        with pytest.raises(CommandError, match="There is no fault earthquake"):
            call_command("torture", inside=tmp_path, only="storm,earthquake")


class TestAFreeze:
    def test_ends_when_whoever_asked_for_it_is_gone(self) -> None:
        sleeper = subprocess.Popen(["sleep", "600"])
        try:
            frozen = psutil.Process(sleeper.pid)
            freezer = subprocess.Popen(
                [sys.executable, "-P", freeze.__file__, str(sleeper.pid), "600"],
                stdin=subprocess.PIPE,
            )
            wait_until(lambda: frozen.status() == psutil.STATUS_STOPPED, "it is stopped")

            freezer.communicate(timeout=PATIENCE_S)

            assert frozen.status() != psutil.STATUS_STOPPED
        finally:
            sleeper.kill()
            sleeper.wait()
