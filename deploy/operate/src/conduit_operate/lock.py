"""One running stack per state directory: a lock that the kernel drops when its holder ends, however it ends."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO


class AlreadyRunningError(RuntimeError):
    """Another process has started this state directory."""


@contextmanager
def hold(state_dir: Path, pid: int) -> Iterator[None]:
    """Raises AlreadyRunningError, naming the holder, instead of waiting."""
    state_dir.mkdir(parents=True, exist_ok=True)
    with _path(state_dir).open("a+") as file:
        if not _try(file):
            file.seek(0)
            raise AlreadyRunningError(
                f"process {file.read().strip() or '?'} already runs the conduit in {state_dir}; "
                "stop it with `conduit down`, or give another --state-dir"
            )
        file.truncate(0)
        file.write(str(pid))
        file.flush()
        yield
        file.truncate(0)


def holder(state_dir: Path) -> int | None:
    """The process that runs the stack, None when nobody does."""
    if not _path(state_dir).exists():
        return None
    with _path(state_dir).open("r+") as file:
        return None if _try(file) else int(file.read().strip() or 0) or None


def _path(state_dir: Path) -> Path:
    return state_dir / "lock"


def _try(file: IO[str]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
