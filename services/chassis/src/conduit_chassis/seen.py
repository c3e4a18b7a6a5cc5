"""What of a case an officer had seen who gave a command, and what is news to that officer. Pure."""

from collections.abc import Container, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple, Protocol

MARGIN = timedelta(seconds=5)
"""A line of history is taken to be seen if it is older than the page by more than this. Lines have the service's time and
pages the broker's: from this difference on, `ClocksDiffer` calls somebody. It also covers the way of a fact to the page."""


class Dated(Protocol):
    """An officer's command, as far as it says how current the officer's page was."""

    @property
    def seen_version(self) -> int | None:
        """How many lines of the case's history the officer had before them."""

    @property
    def seen_until(self) -> datetime | None:
        """Up to when the page knew the case, by the broker's clock."""


class PastLine(NamedTuple):
    """A line of a case's history."""

    actor: str
    what: str
    at: datetime | None = None
    """By the service's clock. None for what the batch at hand did: nobody can have seen that, whatever clocks say."""


class Unseen(NamedTuple):
    """What is news to the officer who gave a command."""

    version: int = 0
    """The version that the officer saw, or that stood when the page was made."""
    changes: tuple[str, ...] = ()
    """As history names them, each once."""


def is_dated(command: Dated) -> bool:
    """Whether the command says what its officer had seen."""
    return command.seen_version is not None or command.seen_until is not None


def unseen(
    command: Dated, recorded_at: datetime, lines: Sequence[PastLine], nobodys: Container[str], no_news: Container[str] = ()
) -> Unseen:
    """What the lines of the case's version say that the officer had not seen when the broker took the command.

    Args:
        command: with `seen_version`, `seen_until`, both (then either makes news) or none (then nothing is news).
        recorded_at: the broker's time of the command.
        lines: all that count, oldest first.
        nobodys: actors whose lines are no news: the officer.
        no_news: what is no news, whoever did it.
    """
    seen = min(_seen(command, recorded_at, lines), default=None)
    if seen is None:
        return Unseen()
    new = (line.what for line in lines[seen:] if line.actor not in nobodys and line.what not in no_news)
    return Unseen(seen if command.seen_version is None else command.seen_version, tuple(dict.fromkeys(new)))


def _seen(command: Dated, recorded_at: datetime, lines: Sequence[PastLine]) -> list[int]:
    """How many lines were seen, by each that the command says. What nobody can have seen proves nothing."""
    found: list[int] = []
    if command.seen_version is not None:
        found.append(command.seen_version if command.seen_version <= len(lines) else 0)
    if command.seen_until is not None:
        early = command.seen_until <= recorded_at + MARGIN
        found.append(_by_then(command.seen_until - MARGIN, lines) if early else 0)
    return found


def _by_then(moment: datetime, lines: Sequence[PastLine]) -> int:
    """How many lines there were before this moment. After the first later one, none is taken for earlier."""
    return next((number for number, line in enumerate(lines) if line.at is None or line.at >= moment), len(lines))
