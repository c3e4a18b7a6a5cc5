"""Child processes that never outlive this one.

Every child runs under a tether (see `tether.py`), which ends it when this process stops, crashes or is killed with
`kill -9`. Its output goes to `<state dir>/logs/<name>.log`, appended, so that a crash can be read after a restart.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import psutil

TETHER = Path(__file__).with_name("tether.py")
GRACE_SECONDS = 25.0
"""More than the 20 s that a service takes at most to finish the work in hand."""

AUTOGROUP_TRIES = 20
"""Linux takes ten changes of niceness a second from all groups of a machine together; 50 ms apart."""


class ChildError(RuntimeError):
    """A child did not start, or ended when it should not have; the text names its log."""


class Child:
    """One command under a name; it can be stopped, killed and started again any number of times."""

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        *,
        state_dir: Path,
        env: Mapping[str, str] | None = None,
        stop_signal: signal.Signals = signal.SIGTERM,
        user: str = "",
        grace: float = GRACE_SECONDS,
    ) -> None:
        """`env` replaces the environment; `user` is the account to run as, which only root may choose.

        `grace` is how many seconds it may take to end itself once this process is gone, before it is killed.
        """
        self.name = name
        self.command = list(command)
        self.env = None if env is None else dict(env)
        self.log_path = state_dir / "logs" / f"{name}.log"
        self._pid_path = state_dir / "run" / f"{name}.json"
        self._stop_signal, self._user, self._grace = stop_signal, user, grace
        self.niceness = 0
        """How far it stands back, from 0 to 19, where there is more to do than the machine can do at once."""
        self._tether: subprocess.Popen[bytes] | None = None
        self._pid: int | None = None

    def start(self) -> None:
        if self.alive:
            return
        self.wait_for_predecessor()
        for path in (self.log_path, self._pid_path):
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        read_end, write_end = os.pipe()
        spec = f"{write_end}:{int(self._stop_signal)}:{self._grace}:{self._user}"
        with self.log_path.open("ab") as log:
            self._tether = subprocess.Popen(  # noqa: S603  the command comes from our own code
                [sys.executable, "-I", "-S", str(TETHER), spec, "--", *self.command],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=self.env,
                pass_fds=[write_end],
                start_new_session=True,
            )
        os.close(write_end)
        with os.fdopen(read_end) as report:
            reported = report.readline().strip()
        if not reported:
            self._tether.wait()
            self._close(self._tether)
            raise ChildError(f"{self.name} could not be started; see {self.log_path}\n{self.tail(1)}")
        self._pid = int(reported)
        if self.niceness:
            _stand_back(self._pid, self.niceness)
        _remember(self._pid_path, self._tether.pid)

    def wait_for_predecessor(self) -> None:
        """A child whose parent was killed may still be closing its files: two servers must never share a data directory."""
        deadline = time.monotonic() + self._grace + 5
        while (process := _remembered(self._pid_path)) is not None:
            if time.monotonic() > deadline:
                raise ChildError(f"process {process.pid}, {self.name} of an earlier run, still works here; end it first")
            time.sleep(0.05)

    @property
    def pid(self) -> int:
        """The command's own process id, not the tether's."""
        if self._pid is None:
            raise ChildError(f"{self.name} has not been started")
        return self._pid

    @property
    def alive(self) -> bool:
        return self._tether is not None and self.exit_code is None

    @property
    def exit_code(self) -> int | None:
        """None while it runs or before its first start; 128 plus the signal's number when a signal ended it."""
        if self._tether is None or self._tether.poll() is None:
            return None
        self._close(self._tether)
        return self._tether.returncode

    def stop(self, timeout: float = GRACE_SECONDS) -> None:
        """Ask it to end, wait, and kill it after `timeout` seconds."""
        self._end(b"s", timeout)

    def kill(self) -> None:
        """SIGKILL, at once: nothing is flushed, nothing is closed."""
        self._end(b"k", timeout=5)

    def restart(self) -> None:
        self.stop()
        self.start()

    def run(self, timeout: float) -> None:
        """For a command that ends by itself: wait for it, and raise with the end of its log when it fails."""
        self.start()
        if self._tether is not None:
            try:
                self._tether.wait(timeout)
            except subprocess.TimeoutExpired:
                self.kill()
        if self.exit_code != 0:
            self.ensure_alive()

    def tail(self, lines: int = 20) -> str:
        """The end of its log, for error texts."""
        if not self.log_path.exists():
            return ""
        return "\n".join(self.log_path.read_text(errors="replace").splitlines()[-lines:])

    def ensure_alive(self) -> None:
        if not self.alive:
            raise ChildError(f"{self.name} ended with code {self.exit_code}; see {self.log_path}\n{self.tail()}")

    def _end(self, order: bytes, timeout: float) -> None:
        tether = self._tether
        if tether is None:
            return
        _tell(tether, order)
        try:
            tether.wait(timeout)
        except subprocess.TimeoutExpired:
            _tell(tether, b"k")
            tether.wait(5)
        self._close(tether)

    def _close(self, tether: subprocess.Popen[bytes]) -> None:
        """Only after its end: closing a running tether's stdin tells it that this process is gone."""
        if tether.stdin is not None and not tether.stdin.closed:
            tether.stdin.close()
            self._pid_path.unlink(missing_ok=True)


def _stand_back(pid: int, niceness: int) -> None:
    """As a process and as a group: where Linux groups processes by session, a niceness counts only within its session, and
    every child has one of its own.
    """
    # From where it stands, which under `nice` is further back already, and an ordinary user may not come forward again.
    with suppress(ProcessLookupError):  # it ended at once: whoever waits for it says so, with its last words
        os.setpriority(os.PRIO_PROCESS, pid, min(19, os.getpriority(os.PRIO_PROCESS, pid) + niceness))
    group = Path(f"/proc/{pid}/autogroup")
    for _ in range(AUTOGROUP_TRIES):
        try:
            group.write_text(str(niceness))
        except BlockingIOError:
            time.sleep(0.05)
        except OSError:
            return  # not allowed here, or no such groups: it shares equally
        else:
            return


def _tell(tether: subprocess.Popen[bytes], order: bytes) -> None:
    try:
        if tether.stdin is not None and not tether.stdin.closed:
            os.write(tether.stdin.fileno(), order)
    except BrokenPipeError:
        return  # it has ended already


def _remember(path: Path, pid: int) -> None:
    try:
        path.write_text(json.dumps({"pid": pid, "created": psutil.Process(pid).create_time()}))
    except psutil.NoSuchProcess:
        path.unlink(missing_ok=True)


def _remembered(path: Path) -> psutil.Process | None:
    try:
        noted = json.loads(path.read_text())
        process = psutil.Process(noted["pid"])
        same = abs(process.create_time() - noted["created"]) < 1 and process.status() != psutil.STATUS_ZOMBIE
    except (FileNotFoundError, psutil.NoSuchProcess, ValueError):
        return None
    return process if same else None
