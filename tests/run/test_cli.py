"""The command line of run.py."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from nexapay import cli

ROOT = Path(__file__).resolve().parents[2]


def run(*arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, ROOT / "run.py", *arguments], capture_output=True, text=True, cwd="/"
    )


class TestRunPy:
    def test_can_be_read_by_a_python_that_is_too_old(self) -> None:
        ast.parse((ROOT / "run.py").read_text(), feature_version=(3, 0))

    def test_explains_itself(self) -> None:
        done = run("--help")

        assert done.returncode == 0
        assert "python3 run.py test" in done.stdout

    @pytest.mark.parametrize(
        ("arguments", "sentence"),
        [
            (["--foo"], "there is no option or command '--foo'"),
            (["tset"], "there is no option or command 'tset'"),
            (["--port"], "--port needs a number"),
            (["--no-demo-data", "test"], "there is no option or command 'test'"),
            (["--no-demo-data=1"], "there is no option or command '--no-demo-data'"),
            (["--port", "1", "--help"], "--help stands alone"),
        ],
    )
    def test_refuses_what_it_does_not_know(self, arguments: list[str], sentence: str) -> None:
        done = run(*arguments)

        assert done.returncode == 2
        assert sentence in done.stderr
        assert done.stderr.count("\n") == 1


class TestTheOptionsOfAPlainRun:
    @pytest.mark.parametrize(
        "arguments",
        [[], ["--port", "8001"], ["--port=8001"], ["--no-demo-data", "--port", "8001"]],
    )
    def test_are_known(self, arguments: list[str]) -> None:
        assert cli._first_wrong(arguments) == ""
