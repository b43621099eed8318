"""
The process that keeps the embedded PostgreSQL running while somebody uses it.

nexapay.devdb starts it as `python -I keeper.py HOME PROGRAMS durable|fast`; it detaches itself,
makes the cluster when there is none, restarts PostgreSQL after a crash, and stops it two seconds
after the last client is gone. Clients show that they live by a shared flock, which the kernel
drops however they die. Standard library only.
"""

import fcntl
import os
import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from types import FrameType

if __name__ == "__main__":  # -I leaves our own package out.
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from nexapay.devdb.account import choose_account, give
from nexapay.devdb.home import READY, DatabaseFailed, Home, make_private, open_lock, try_lock

LINGER_S = 2.0
STOP_LIMIT_S = 10.0
MAX_FAILED_STARTS = 5
LOG_LIMIT_BYTES = 10_000_000
ALREADY_KEPT = 3

# Said again at every start, so that an older cluster gets what a newer release decides.
# nexapay owns the tables and migrates; nexapay_app serves, and may take no guard away.
ROLE_AND_DATABASE = r"""
SELECT format('CREATE ROLE %I LOGIN', name) FROM (VALUES ('nexapay'), ('nexapay_app')) r (name)
  WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = name) \gexec
SELECT format('ALTER ROLE %I SET %I = %L', role, setting, value)
  FROM (VALUES ('nexapay'), ('nexapay_app')) r (role), (VALUES ('lock_timeout', '2s'),
    ('statement_timeout', '5s'), ('idle_in_transaction_session_timeout', '10s'),
    ('enable_seqscan', 'off'), ('enable_mergejoin', 'off'),
    ('enable_memoize', 'off'), ('random_page_cost', '1.1'),
    ('plan_cache_mode', 'force_generic_plan')) s (setting, value)
  \gexec
SELECT 'CREATE DATABASE nexapay OWNER nexapay' WHERE NOT EXISTS
  (SELECT FROM pg_database WHERE datname = 'nexapay') \gexec
"""

SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "100",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_checkpoints": "off",
}
# For data that may be lost with the machine: the tests'. They also open many connections at once,
# and take triggers away while autovacuum writes down in the same rows what it has cleaned.
FAST = {
    "autovacuum": "off",
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "max_connections": "400",
}


class Keeper:
    """One cluster and the PostgreSQL that serves it."""

    def __init__(self, home: Home, programs: Path, *, durable: bool) -> None:
        self.home = home
        self.programs = programs
        self.durable = durable
        self.account = choose_account(home.data, programs)
        self.postgres: subprocess.Popen[bytes] | None = None
        self.linger_s = LINGER_S
        self.told_to_stop = False
        self.log = home.log.open("ab")

    # Making the cluster and starting it

    def prepare(self) -> None:
        """Make the cluster when there is none; one that was cut short is made anew."""
        draft = self.home.path / "data.new"
        shutil.rmtree(draft, ignore_errors=True)
        if not self.home.data.exists():
            make_private(draft)
            give(draft, self.account.uid)
            self._initialise(draft)
            draft.rename(self.home.data)
        give(self.home.data, self.account.uid)
        make_private(self.home.sockets, self.account.uid)
        give(self.home.sockets, self.account.uid)

    def _initialise(self, data: Path) -> None:
        options = ["-U", "postgres", "--data-checksums", "--auth-local=trust"]
        options += ["--auth-host=reject", "--encoding=UTF8", "--locale=C", "--no-instructions"]
        options += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        options += [] if self.durable else ["--no-sync"]
        if self._run("initdb", "-D", str(data), *options).wait() != 0:
            raise DatabaseFailed(f"initdb failed:\n{self.home.log_tail()}")

    def _run(self, program: str, *arguments: str) -> "subprocess.Popen[bytes]":
        return subprocess.Popen(
            [str(self.programs / program), *arguments],
            env={"PATH": os.defpath, "LC_ALL": "C"},  # No PG* variable of the caller's.
            cwd=self.home.path,
            stdin=subprocess.DEVNULL,
            stdout=self.log,
            stderr=self.log,
            preexec_fn=self.account.before_exec(),
        )

    def start(self) -> None:
        """Start PostgreSQL and wait until it serves; try a few times, for a crash leaves traces."""
        for attempt in range(MAX_FAILED_STARTS):
            remove_stale_pid_file(self.home.data)
            settings = {**SETTINGS, **({} if self.durable else FAST)}
            settings["unix_socket_directories"] = str(self.home.sockets)
            words = [word for pair in settings.items() for word in ("-c", "=".join(pair))]
            self.postgres = self._run("postgres", "-D", str(self.home.data), *words)
            if self._becomes_ready(self.postgres):
                self._make_role_and_database()
                self.home.say(READY)
                return
            if self.told_to_stop:
                return
            time.sleep(0.2 * 2**attempt)
        raise DatabaseFailed(f"PostgreSQL does not start:\n{self.home.log_tail()}")

    def _becomes_ready(self, postgres: "subprocess.Popen[bytes]") -> bool:
        """Wait as pg_ctl does: the eighth line of postmaster.pid says when it takes connections."""
        pid_file = self.home.data / "postmaster.pid"
        while postgres.poll() is None and not self.told_to_stop:
            with suppress(OSError):
                lines = pid_file.read_text().splitlines()
                if len(lines) > 7 and lines[7].strip() == "ready":
                    return True
            time.sleep(0.01)
        return False

    def _make_role_and_database(self) -> None:
        command = [str(self.programs / "psql"), "-X", "-q", "-v", "ON_ERROR_STOP=1"]
        command += ["-h", str(self.home.sockets), "-U", "postgres", "-d", "postgres"]
        done = subprocess.run(
            command,
            input=ROLE_AND_DATABASE,
            text=True,
            capture_output=True,
            env={"PATH": os.defpath, "LC_ALL": "C"},
        )
        if done.returncode != 0:
            raise DatabaseFailed(f"PostgreSQL refuses its role and database:\n{done.stderr}")

    # Keeping it

    def keep(self) -> None:
        """Stay until the last client has been gone for a while; restart after a crash."""
        clients = open_lock(self.home.clients)
        idle_since: float | None = None
        while not self.told_to_stop:
            if self.postgres is None or self.postgres.poll() is not None:
                self.home.status_file.unlink(missing_ok=True)
                self.start()
            if not try_lock(clients):
                idle_since = None
            else:
                idle_since = idle_since or time.monotonic()
                if time.monotonic() - idle_since >= self.linger_s:
                    return  # With the lock held: newcomers wait until we are gone.
                fcntl.flock(clients, fcntl.LOCK_UN)
            time.sleep(0.1)

    def stop(self) -> None:
        """Shut PostgreSQL down: first politely, in the end by force."""
        self.home.status_file.unlink(missing_ok=True)
        if self.postgres is None:
            return
        for signum in (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL):
            self.postgres.send_signal(signum)
            with suppress(subprocess.TimeoutExpired):
                self.postgres.wait(STOP_LIMIT_S)
                return

    def on_signal(self, signum: int, _frame: FrameType | None) -> None:
        """SIGUSR1: a client left for good, do not linger. SIGTERM: the system goes down."""
        self.linger_s = 0.0
        self.told_to_stop = signum == signal.SIGTERM


def remove_stale_pid_file(data: Path) -> None:
    """
    Remove the postmaster.pid of a server that is gone; end a server that lost its keeper.

    PostgreSQL takes any process with that pid for another server. We hold the keeper's lock, so it
    can only be a server left from a keeper that was killed, or by now a stranger.
    """
    pid_file = data / "postmaster.pid"
    try:
        pid = int(pid_file.read_text().splitlines()[0])
    except (OSError, ValueError, IndexError):
        pid = 0
    for signum in (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL):
        deadline = time.monotonic() + STOP_LIMIT_S
        if _serves(pid, data):
            os.kill(pid, signum)
        while _serves(pid, data) and time.monotonic() < deadline:
            time.sleep(0.05)
    pid_file.unlink(missing_ok=True)


def _serves(pid: int, data: Path) -> bool:
    """Tell whether this process is a PostgreSQL server on this data directory."""
    if pid <= 0:
        return False
    with suppress(OSError):
        arguments = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        return os.fsencode(data) in arguments and arguments[0].endswith(b"postgres")
    if Path("/proc/self").exists():
        return False
    shown = subprocess.run(["/bin/ps", "-o", "args=", "-p", str(pid)], capture_output=True)
    return b"postgres -D " + os.fsencode(data) in shown.stdout


def detach() -> None:
    """Leave the terminal and the process that started us."""
    if os.fork():
        os._exit(0)
    for signum in (signal.SIGINT, signal.SIGHUP):
        signal.signal(signum, signal.SIG_IGN)


def main(home: Home, programs: Path, *, durable: bool) -> int:
    """Keep a cluster, unless somebody does already."""
    lock = open_lock(home.keeper)
    if not try_lock(lock):
        return ALREADY_KEPT
    home.status_file.unlink(missing_ok=True)
    if home.log.exists() and home.log.stat().st_size > LOG_LIMIT_BYTES:
        home.log.replace(home.log.with_suffix(".old.log"))
    detach()  # The lock goes with us: there is no moment without it.
    os.truncate(lock, 0)
    os.pwrite(lock, str(os.getpid()).encode(), 0)
    try:
        keeper = Keeper(home, programs, durable=durable)
        signal.signal(signal.SIGTERM, keeper.on_signal)
        signal.signal(signal.SIGUSR1, keeper.on_signal)
        _keep(keeper)
    except (DatabaseFailed, OSError) as failure:
        home.say(f"failed: {failure}")
        return 1
    return 0


def _keep(keeper: Keeper) -> None:
    try:
        keeper.prepare()
        keeper.start()
        keeper.keep()
    finally:
        keeper.stop()


if __name__ == "__main__":
    sys.exit(main(Home(Path(sys.argv[1])), Path(sys.argv[2]), durable=sys.argv[3] == "durable"))
