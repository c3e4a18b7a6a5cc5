"""Who changed what on the broker and in the registers, when and why: one JSON object per line, only ever appended to.

Every line holds the hash of the one before it, so that a line which is changed or taken away later is found out. The last
lines can still be cut off unseen: keep a copy elsewhere of what `conduit audit` shows last.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from conduit_chassis.orders import storable
from conduit_contracts.texts import shows_something

FIRST = "0" * 64
LONGEST_ACTOR = 100


class AuditError(RuntimeError):
    """A line is not as it was written."""


def is_actor(text: str) -> bool:
    """Whether it can stand as who did something: a name that shows, on one line, as long as names are."""
    return shows_something(text) and text.isprintable() and len(text) <= LONGEST_ACTOR


def is_reason(text: str) -> bool:
    """Whether it can stand as why somebody did something."""
    return shows_something(text) and storable(text)


@dataclass(frozen=True, slots=True)
class By:
    """Who does something, and why. Neither may be empty, or longer than a name and a reason are."""

    actor: str
    reason: str

    def __post_init__(self) -> None:
        if not is_actor(self.actor) or not is_reason(self.reason):
            raise ValueError("an actor and a reason are needed: the audit keeps who did it and why")


@contextmanager
def audited(state_dir: Path, by: By, command: str, subject: str, steps: Sequence[Sequence[str]]) -> Iterator[None]:
    """Notes what is begun, then how it ended. What is begun and has no end was cut short: do it again."""
    common = {"actor": by.actor, "reason": by.reason, "command": command, "subject": subject}
    _append(state_dir, {**common, "steps": [" ".join(step) for step in steps], "outcome": "begun"})
    try:
        yield
    except BaseException as error:
        _append(state_dir, {**common, "outcome": "failed", "error": type(error).__name__})
        raise
    _append(state_dir, {**common, "outcome": "done"})


@dataclass(frozen=True, slots=True)
class WholeAudit:
    """What the audit has, and what it has only the beginning of."""

    entries: list[dict[str, Any]]
    """Every line that is whole, in order."""
    cut_short: list[int]
    """The numbers of the lines of which only the beginning was written, as when the disk is full or the power fails.

    The next line vouches for such a one as for any other, so it cannot stand for one that somebody has changed.
    """


def read_audit(state_dir: Path) -> list[dict[str, Any]]:
    """Every line that is whole, in order. Raises AuditError as `whole_audit` does."""
    return whole_audit(state_dir).entries


def whole_audit(state_dir: Path) -> WholeAudit:
    """Every line, whole or cut short as it was written.

    Raises:
        AuditError: a line was changed, or one before it is missing; names the first.
    """
    path = path_of(state_dir)
    lines = path.read_bytes().splitlines() if path.exists() else []
    parsed, digests = [_parse(line) for line in lines], [FIRST, *map(_digest, lines)]
    found = WholeAudit([], [])
    for number, entry in enumerate(parsed, start=1):
        if entry and entry.get("previous") == digests[number - 1]:
            found.entries.append(entry)
        elif not entry and (number == len(parsed) or parsed[number].get("previous") == digests[number]):
            found.cut_short.append(number)
        else:
            raise AuditError(f"line {number} of {path} does not follow from the one before it")
    return found


def path_of(state_dir: Path) -> Path:
    """Where the audit is."""
    return state_dir / "audit.jsonl"


def _append(state_dir: Path, entry: dict[str, Any]) -> None:
    state_dir.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path_of(state_dir), os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
    with os.fdopen(descriptor, "r+b") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        found = file.read()
        lines = found.splitlines()
        stamped = {"at": datetime.now(UTC).isoformat(), **entry, "previous": _digest(lines[-1]) if lines else FIRST}
        mended = b"" if not found or found.endswith(b"\n") else b"\n"
        file.write(mended + json.dumps(stamped, ensure_ascii=False).encode() + b"\n")
        file.flush()
        os.fsync(file.fileno())


def _parse(line: bytes) -> dict[str, Any]:
    try:
        entry = json.loads(line)
    except ValueError:
        return {}
    return entry if isinstance(entry, dict) else {}


def _digest(line: bytes) -> str:
    return hashlib.sha256(line).hexdigest()
