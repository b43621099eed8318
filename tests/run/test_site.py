"""The whole site, as one command starts it: it serves, and it is gone when it is killed."""

import os
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from tests.run.processes import PATIENCE_S, alive, wait_until

ROOT = Path(__file__).resolve().parents[2]


def start(data: Path, **given: str) -> "subprocess.Popen[str]":
    """Start what run.py becomes once everything is installed, on a port that is free."""
    command = [sys.executable, "-P", "-m", "nexapay.supervisor", "serve", "--port", "0"]
    # Nothing of the suite's own settings: NEXAPAY_DATA_DIR is also what alive() finds it by.
    environment = {"PATH": os.defpath, "HOME": str(data), "NEXAPAY_DATA_DIR": str(data)}
    return subprocess.Popen(
        [*command, "--no-demo-data"],
        env={**environment, "PYTHONPATH": str(ROOT), **given},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        cwd=ROOT,
    )


def address(site: "subprocess.Popen[str]") -> str:
    """Return where the site says it runs."""
    assert site.stdout is not None
    lines = []
    for line in site.stdout:
        lines.append(line)
        if "NexaPay runs on " in line:
            return line.partition("runs on ")[2].split()[0]
    raise AssertionError("".join(lines))


class TestTheSite:
    def test_serves_and_leaves_nothing_behind_when_it_is_killed(self, data: Path) -> None:
        site = start(data)
        assert site.stdout is not None
        try:
            where = address(site)
            answer = httpx.get(f"{where}/readyz", timeout=30)
            running = {Path(p.cmdline()[-1]).name for p in alive(data) if p.cmdline()}
            signing = " ".join(
                word for p in alive(data) if "CHECKPOINT_KEY" in p.environ() for word in p.cmdline()
            )
        finally:
            site.kill()
            site.wait()
            site.stdout.close()

        assert answer.json() == {
            "status": "ok",
            "database": "reachable",
            "migrations": "applied",
        }
        assert "worker" in running
        assert "manage.py worker" in signing
        assert "gunicorn" not in signing
        assert "simbank" not in signing
        wait_until(lambda: not alive(data), "everything that it started is gone")
        assert (data / "logs/web.log").read_text().count('"event": "request"')

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("SECRET_KEY_FILE", "/nowhere"),
            ("BANK_WEBHOOK_SECRET", "guess"),
            ("DATABASE_URL", "mysql://here"),
            ("SITE_URL", "http://[half"),
            ("WEB_CONCURRENCY", "two"),
        ],
    )
    def test_does_not_start_on_a_malformed_variable_and_names_it(
        self, data: Path, name: str, value: str
    ) -> None:
        site = start(data, **{name: value})
        said, _ = site.communicate(timeout=PATIENCE_S)

        assert site.returncode == 1
        assert said.startswith(name)
        assert said.count("\n") == 1
