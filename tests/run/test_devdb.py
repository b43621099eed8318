"""The embedded PostgreSQL: it is there when it is asked for, whatever happened before."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psycopg
import pytest

from nexapay import devdb
from nexapay.devdb import account
from nexapay.devdb.home import Home
from tests.run.processes import alive, wait_until

ROOT = Path(__file__).resolve().parents[2]
CLIENT = """
import sys, time
from pathlib import Path
from nexapay import devdb
print(devdb.url(Path(sys.argv[1]), durable=False), flush=True)
time.sleep(600)
"""


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("db")
    yield folder
    devdb.leave(folder)
    wait_until(lambda: not alive(folder), "everything of the cluster is gone")


def ask(url: str, query: str) -> str:
    with psycopg.connect(url, connect_timeout=10) as connection:
        row = connection.execute(query.encode()).fetchone()
    assert row is not None
    return str(row[0])


def postmaster(folder: Path) -> int:
    return int((folder / "postgres/data/postmaster.pid").read_text().split()[0])


def answers(folder: Path) -> bool:
    with suppress(psycopg.OperationalError):
        return ask(devdb.address(folder), "SELECT 1") == "1"
    return False


def client(folder: Path) -> "subprocess.Popen[str]":
    """Start another process that uses the cluster; return once it has its address."""
    process = subprocess.Popen(
        [sys.executable, "-c", CLIENT, str(folder)], stdout=subprocess.PIPE, text=True, cwd=ROOT
    )
    assert process.stdout is not None
    assert process.stdout.readline().strip() == devdb.address(folder)
    return process


def kill(process: "subprocess.Popen[str]") -> None:
    process.kill()
    process.communicate()


class TestTheApplicationsRole:
    def test_owns_its_database_and_nothing_more(self, data_dir: Path) -> None:
        url = devdb.url(data_dir, durable=False)

        assert ask(url, "SELECT current_user || ' in ' || current_database()") == (
            "nexapay in nexapay"
        )
        assert ask(url, "SELECT rolsuper FROM pg_roles WHERE rolname = current_user") == "False"
        assert ask(url, "SELECT has_database_privilege('nexapay', 'CREATE')") == "True"

    @pytest.mark.parametrize(
        ("setting", "value"),
        [
            ("lock_timeout", "2s"),
            ("statement_timeout", "5s"),
            ("idle_in_transaction_session_timeout", "10s"),
            ("enable_memoize", "off"),
            ("enable_mergejoin", "off"),
            ("enable_seqscan", "off"),
            ("plan_cache_mode", "force_generic_plan"),
            ("random_page_cost", "1.1"),
            ("timezone", "UTC"),
            ("listen_addresses", ""),
            ("data_checksums", "on"),
        ],
    )
    def test_works_under_the_settings_we_rely_on(
        self, data_dir: Path, setting: str, value: str
    ) -> None:
        url = devdb.url(data_dir, durable=False)

        assert ask(url, f"SELECT current_setting('{setting}')") == value

    def test_is_not_the_superuser_that_tests_use(self, data_dir: Path) -> None:
        url = devdb.superuser_url(data_dir, durable=False)

        assert ask(url, "SELECT rolsuper FROM pg_roles WHERE rolname = current_user") == "True"


class TestACluster:
    def test_is_closed_to_other_people(self, data_dir: Path) -> None:
        devdb.url(data_dir, durable=False)

        for name in ("", "data", "s"):
            assert (data_dir / "postgres" / name).stat().st_mode & 0o777 == 0o700

    def test_is_shared_by_two_clients(self, data_dir: Path) -> None:
        devdb.url(data_dir, durable=False)
        before = postmaster(data_dir)

        other = client(data_dir)

        assert postmaster(data_dir) == before
        kill(other)
        assert answers(data_dir)

    def test_comes_back_after_its_postgres_was_killed(self, data_dir: Path) -> None:
        devdb.url(data_dir, durable=False)
        before = postmaster(data_dir)

        os.kill(before, signal.SIGKILL)

        wait_until(lambda: answers(data_dir) and postmaster(data_dir) != before, "a new server")

    def test_comes_back_after_its_keeper_was_killed(self, data_dir: Path) -> None:
        devdb.url(data_dir, durable=False)
        keeper = Home(data_dir / "postgres").keeper

        os.kill(int(keeper.read_text()), signal.SIGKILL)
        wait_until(lambda: not devdb.is_kept(data_dir), "the keeper is dead")

        assert ask(devdb.url(data_dir, durable=False), "SELECT 1") == "1"

    def test_starts_over_a_pid_file_that_names_a_stranger(self, data_dir: Path) -> None:
        devdb.url(data_dir, durable=False)
        pid_file = data_dir / "postgres/data/postmaster.pid"
        text = pid_file.read_text()
        devdb.leave(data_dir)
        pid_file.write_text(text.replace(text.split()[0], str(os.getpid()), 1))

        assert ask(devdb.url(data_dir, durable=False), "SELECT 1") == "1"

    def test_is_made_anew_when_making_it_was_cut_short(self, data_dir: Path) -> None:
        devdb.leave(data_dir)
        draft = data_dir / "postgres/data.new"
        shutil.copytree(data_dir / "postgres/data", draft)
        shutil.rmtree(data_dir / "postgres/data")

        assert ask(devdb.url(data_dir, durable=False), "SELECT 1") == "1"
        assert not draft.exists()

    def test_keeps_its_data_from_one_start_to_the_next(self, data_dir: Path) -> None:
        with psycopg.connect(devdb.url(data_dir, durable=False)) as connection:
            connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")
        devdb.leave(data_dir)

        assert ask(devdb.url(data_dir, durable=False), "SELECT answer FROM kept") == "42"


class TestLeaving:
    def test_stops_postgres_before_it_returns(self, data_dir: Path) -> None:
        devdb.url(data_dir, durable=False)

        devdb.leave(data_dir)

        assert not (data_dir / "postgres/data/postmaster.pid").exists()
        assert not devdb.is_kept(data_dir)

    def test_leaves_postgres_to_whoever_still_uses_it(self, data_dir: Path) -> None:
        devdb.url(data_dir, durable=False)
        other = client(data_dir)

        devdb.leave(data_dir)

        assert answers(data_dir)
        kill(other)

    def test_is_noticed_when_the_last_client_was_killed(self, data_dir: Path) -> None:
        devdb.leave(data_dir)
        other = client(data_dir)

        kill(other)

        wait_until(lambda: not alive(data_dir), "the cluster has stopped by itself")


class TestADeepDirectory:
    def test_keeps_its_socket_in_a_private_place(self, tmp_path: Path) -> None:
        deep = Home(tmp_path / ("d" * 120))

        assert deep.sockets.parent == Path("/tmp")
        assert Home(tmp_path / ("e" * 120)).sockets != deep.sockets

    def test_refuses_a_socket_directory_that_is_a_link(self, tmp_path: Path) -> None:
        link = tmp_path / "link"
        link.symlink_to(tmp_path)

        with pytest.raises(devdb.DatabaseFailed, match="belongs to somebody else"):
            devdb.home.make_private(link)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has to become somebody else")
class TestRootWithoutNamespaces:
    def test_becomes_an_ordinary_account_that_reaches_its_files(self, tmp_path: Path) -> None:
        tmp_path.chmod(0o700)
        (tmp_path / "data").mkdir(mode=0o700)
        os.chown(tmp_path / "data", 65534, 65534)  # Its owner is who PostgreSQL becomes.

        chosen = account.choose_account(tmp_path / "data", tmp_path)
        shown = subprocess.run(
            ["/usr/bin/stat", "-c", "%U", tmp_path / "data" / ".." / "data"],
            preexec_fn=chosen.before_exec(),
            capture_output=True,
            text=True,
            check=True,
        )

        assert chosen.uid == 65534
        assert shown.stdout.strip() == "nobody"

    def test_gives_the_files_to_that_account(self, tmp_path: Path) -> None:
        (tmp_path / "data/base").mkdir(parents=True)
        (tmp_path / "data/base/1").touch()

        account.give(tmp_path / "data", 65534)

        assert {path.stat().st_uid for path in (tmp_path / "data").rglob("*")} == {65534}
