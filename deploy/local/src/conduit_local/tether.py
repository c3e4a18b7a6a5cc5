"""Runs one command and ends it when the parent goes away, however the parent goes.

Run as a script, with the standard library alone: `tether.py SPEC -- COMMAND...`, SPEC being
`report_fd:stop_signal:grace:user`.
The parent holds the write end of this process's stdin and may write `s` (stop) or `k` (kill); end of file means that the
parent is gone, so the command is asked to stop and, after `grace` seconds, killed. Once the command runs, its own pid is
written to `report_fd`. The tether ends with the command's exit code, or 128 plus the signal that ended it.
"""

from __future__ import annotations

import contextlib
import os
import pwd
import select
import signal
import sys
import time
from collections.abc import Callable
from functools import partial
from typing import NoReturn

POLL_SECONDS = 0.2
"""Only a fallback: the wake-up pipe announces an ended command at once."""


def main() -> NoReturn:
    report_fd, stop_signal, grace, user = sys.argv[1].split(":")
    command = sys.argv[sys.argv.index("--") + 1 :]
    wakeup = _wake_on_signals()
    pid = _spawn(command, user, int(report_fd))
    status = _Watch(pid, int(stop_signal), float(grace), wakeup).run()
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)
    os._exit(os.WEXITSTATUS(status) if os.WIFEXITED(status) else 128 + os.WTERMSIG(status))


def _wake_on_signals() -> int:
    """A descriptor that yields one byte, the signal's number, when the command ends or this process is asked to end."""
    read_end, write_end = os.pipe()
    os.set_blocking(read_end, False)
    os.set_blocking(write_end, False)
    for number in (signal.SIGCHLD, signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda *_: None)
    signal.set_wakeup_fd(write_end, warn_on_full_buffer=False)
    return read_end


def _spawn(command: list[str], user: str, report_fd: int) -> int:
    """Reports the pid only when the command has taken over: a signal sent before that would hit this script's copy."""
    tether = os.getpid()
    die_with_parent = _parent_death_call()
    outcome, result = os.pipe()  # `result` closes by itself when the command takes over
    pid = os.fork()
    if pid == 0:
        try:
            _become(command, user, tether, die_with_parent)
        except Exception as error:  # whatever it is, this copy of the script must not run on
            os.write(result, b"failed")
            os.write(2, f"cannot run {command[0]}: {error}\n".encode())
        os._exit(127)
    os.close(result)
    if os.read(outcome, 16) == b"":
        os.write(report_fd, f"{pid}\n".encode())
    os.close(outcome)
    os.close(report_fd)
    return pid


def _become(command: list[str], user: str, tether: int, die_with_parent: Callable[[], object]) -> NoReturn:
    signal.set_wakeup_fd(-1)
    for number in (signal.SIGCHLD, signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGPIPE):
        signal.signal(number, signal.SIG_DFL)
    os.setsid()
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    if user:
        entry = pwd.getpwnam(user)
        os.setgroups([])
        os.setgid(entry.pw_gid)
        os.setuid(entry.pw_uid)
    die_with_parent()
    if os.getppid() != tether:
        os._exit(127)
    os.execvp(command[0], command)  # noqa: S606  the command comes from our own code


def _parent_death_call() -> Callable[[], object]:
    """On Linux the kernel ends the command should the tether itself be killed; elsewhere the pipe alone has to do.

    Looked up before the user changes, who may not be able to read Python's own library.
    """
    if sys.platform != "linux":
        return lambda: None
    import ctypes  # noqa: PLC0415  only needed, and only sure to load, on Linux

    pr_set_pdeathsig = 1
    return partial(ctypes.CDLL(None).prctl, pr_set_pdeathsig, int(signal.SIGKILL))


class _Watch:
    """Waits for orders and for the command's end. Only without a parent does it keep a deadline: a parent keeps its own."""

    def __init__(self, pid: int, stop_signal: int, grace: float, wakeup: int) -> None:
        self._pid, self._stop_signal, self._grace, self._wakeup = pid, stop_signal, grace, wakeup
        self._deadline: float | None = None
        self._orders_open = True

    def run(self) -> int:
        while True:
            ended, status = os.waitpid(self._pid, os.WNOHANG)
            if ended:
                return status
            self._wait()
            if self._deadline is not None and time.monotonic() > self._deadline:
                os.kill(self._pid, signal.SIGKILL)

    def _wait(self) -> None:
        sources = [self._wakeup, 0] if self._orders_open else [self._wakeup]
        readable, _, _ = select.select(sources, [], [], POLL_SECONDS)
        if self._wakeup in readable and set(os.read(self._wakeup, 512)) - {signal.SIGCHLD}:
            self._wind_up()
        if 0 in readable:
            self._obey(os.read(0, 512))

    def _obey(self, orders: bytes) -> None:
        if b"k" in orders:
            os.kill(self._pid, signal.SIGKILL)
        elif orders:
            os.kill(self._pid, self._stop_signal)
        else:
            self._orders_open = False
            self._wind_up()

    def _wind_up(self) -> None:
        if self._deadline is None:
            self._deadline = time.monotonic() + self._grace
            os.kill(self._pid, self._stop_signal)


if __name__ == "__main__":
    main()
