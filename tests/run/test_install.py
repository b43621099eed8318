"""`.venv` holds what the lock says: installed once, and again when it is not whole."""

import fcntl
import os
import queue
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from nexapay import install
from nexapay.progress import Refusal

ROOT = Path(__file__).resolve().parents[2]


class Installer:
    """Stands in for uv and pip, and counts."""

    def __init__(self) -> None:
        self.commands: list[list[str]] = []
        self.answers = True

    def succeeds(self, command: list[str], _what: str, _flock: int) -> bool:
        self.commands.append(command)
        return self.answers

    def locks(self) -> list[str]:
        return [command[-1].rpartition("source/")[2] for command in self.commands]


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """Return a source tree with locks and pip's wheel."""
    root = tmp_path / "source"
    (root / "tests").mkdir(parents=True)
    (root / install.RUNTIME).write_text("django==5.2\n")
    (root / install.TESTS).write_text("pytest==9\n")
    (root / install.PIP).parent.mkdir(parents=True)
    shutil.copy(ROOT / install.PIP, root / install.PIP)
    return root


@pytest.fixture
def installer(monkeypatch: pytest.MonkeyPatch) -> Installer:
    stand_in = Installer()
    monkeypatch.setattr(install, "_succeeds", stand_in.succeeds)
    monkeypatch.setattr(shutil, "which", lambda _name: None)
    return stand_in


class TestAFirstStart:
    def test_installs_the_runtime_alone(self, source: Path, installer: Installer) -> None:
        install.ensure(source)

        assert installer.locks() == ["requirements.lock"]
        assert os.access(install.python(source), os.X_OK)

    def test_installs_the_tools_too_when_testing(self, source: Path, installer: Installer) -> None:
        install.ensure(source, tests=True)

        assert installer.locks() == ["requirements.lock", "tests/requirements.lock"]

    def test_demands_every_hash(self, source: Path, installer: Installer) -> None:
        install.ensure(source)

        assert "--require-hashes" in installer.commands[0]

    def test_prefers_uv_where_it_is(
        self, source: Path, installer: Installer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(shutil, "which", lambda name: f"/bin/{name}")

        install.ensure(source)

        assert installer.commands[0][:3] == ["/bin/uv", "pip", "install"]
        assert "--require-hashes" in installer.commands[0]

    def test_names_no_index_and_no_host(self, source: Path, installer: Installer) -> None:
        install.ensure(source)

        options = {word for word in installer.commands[0] if word.startswith("-")}
        assert options == {
            *("-I", "-r", "--require-hashes", "--no-deps", "--only-binary", "--no-compile"),
            *("--no-input", "--disable-pip-version-check", "--root-user-action"),
            "--progress-bar",
        }
        assert "://" not in " ".join(installer.commands[0])

    def test_refuses_a_pip_that_is_not_ours(self, source: Path, installer: Installer) -> None:
        (source / install.PIP).write_bytes(b"something else")

        with pytest.raises(Refusal, match="not the file that was released"):
            install.ensure(source)
        assert installer.commands == []

    def test_that_happens_twice_at_once_installs_once(
        self, source: Path, installer: Installer
    ) -> None:
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(lambda _: install.ensure(source), range(4)))

        assert installer.locks() == ["requirements.lock"]


class TestALaterStart:
    def test_installs_nothing(self, source: Path, installer: Installer) -> None:
        install.ensure(source)
        installer.commands.clear()

        install.ensure(source)

        assert installer.commands == []

    def test_adds_the_tools_when_testing(self, source: Path, installer: Installer) -> None:
        install.ensure(source)
        installer.commands.clear()

        install.ensure(source, tests=True)

        assert installer.locks() == ["tests/requirements.lock"]

    def test_begins_anew_when_the_lock_changed(self, source: Path, installer: Installer) -> None:
        install.ensure(source, tests=True)
        (source / ".venv/leftover").touch()
        (source / install.RUNTIME).write_text("django==5.3\n")

        install.ensure(source)

        assert not (source / ".venv/leftover").exists()

    def test_begins_anew_when_the_last_was_cut_short(
        self, source: Path, installer: Installer
    ) -> None:
        install.ensure(source)
        (source / ".venv/installing").touch()
        (source / ".venv/leftover").touch()

        install.ensure(source)

        assert not (source / ".venv/leftover").exists()
        assert not (source / ".venv/installing").exists()

    def test_begins_anew_when_its_python_is_gone(self, source: Path, installer: Installer) -> None:
        install.ensure(source)
        install.python(source).unlink()

        install.ensure(source)

        assert os.access(install.python(source), os.X_OK)

    def test_waits_for_one_that_is_installing(
        self, source: Path, installer: Installer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        lines: queue.Queue[str] = queue.Queue()
        monkeypatch.setattr(install, "say", lines.put)
        with (source / install.RUNTIME).open() as other, ThreadPoolExecutor(1) as pool:
            fcntl.flock(other, fcntl.LOCK_EX)
            waiting = pool.submit(install.ensure, source)
            assert "waiting for it" in lines.get(timeout=60)
            assert installer.commands == []
            fcntl.flock(other, fcntl.LOCK_UN)
            waiting.result()

        assert installer.locks() == ["requirements.lock"]


class TestAnInstallationThatFails:
    def test_is_said_in_words(self, source: Path, installer: Installer) -> None:
        installer.answers = False

        with pytest.raises(Refusal, match="could not be installed"):
            install.ensure(source)

    def test_is_made_good_by_the_next_start(self, source: Path, installer: Installer) -> None:
        installer.answers = False
        with pytest.raises(Refusal):
            install.ensure(source)
        installer.answers = True

        install.ensure(source)

        assert not (source / ".venv/installing").exists()
