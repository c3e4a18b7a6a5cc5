"""Lists: rows by key, so that a page costs the same wherever it is, and how current they are. Pure."""

import json
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Generic, TypeVar

ROWS = 50
FETCH = ROWS + 1
"""What a statement asks for: the row after the last says that there are more."""
BEHIND = timedelta(seconds=2)
"""A list that is this far behind says so."""
_LONGEST = 500
_UNWRITABLE = re.compile("[\0\ud800-\udfff]")
"""PostgreSQL takes neither a NUL nor half of a pair of surrogates."""

Item = TypeVar("Item")
KeyPart = str | int


class SmallInt(int):
    """A part of a key that is compared with a `smallint`: a number that is larger leads to the list's beginning, too."""


_BITS: Mapping[type[KeyPart], int] = {int: 63, SmallInt: 15}
"""How large a number PostgreSQL takes, without its sign."""
RowKey = tuple[KeyPart, ...]
"""What rows are in order of, such as a time and an id. It stands in addresses, so it names nobody."""


@dataclass(frozen=True, slots=True)
class ListPage(Generic[Item]):
    """Rows to show, and the key after which the next begin; None at the end."""

    rows: Sequence[Item]
    after: str | None


def list_page(found: Sequence[Item], key: Callable[[Item], RowKey]) -> ListPage[Item]:
    """What to show of at most `FETCH` rows in order."""
    rows = found[:ROWS]
    return ListPage(rows, write_key(key(rows[-1])) if len(found) > ROWS else None)


def write_key(key: RowKey) -> str:
    """A key as part of an address."""
    return urlsafe_b64encode(json.dumps(key, separators=(",", ":")).encode()).rstrip(b"=").decode()


def read_key(text: str | None, *kinds: type[KeyPart]) -> RowKey | None:
    """The key of an address; None for the list's beginning, which whatever cannot be read leads to."""
    if not text or len(text) > _LONGEST:
        return None
    try:
        key = json.loads(urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4)))
    except (ValueError, RecursionError):
        return None
    if not isinstance(key, list) or len(key) != len(kinds):
        return None
    return tuple(key) if all(_fits(part, kind) for part, kind in zip(key, kinds, strict=True)) else None


def _fits(part: object, kind: type[KeyPart]) -> bool:
    """Whether it is of this kind, and a statement can be asked with it."""
    if isinstance(part, str):
        return kind is str and not _UNWRITABLE.search(part)
    limit = 1 << _BITS.get(kind, 0)
    return type(part) is int and kind in _BITS and -limit <= part < limit


@dataclass(frozen=True, slots=True)
class Currency:
    """When a list was made, and up to when it has everything."""

    now: datetime
    complete_to: datetime
    rebuilding: bool = False
    """Whether what is listed is being rebuilt, so that not all of it is there."""

    @property
    def is_behind(self) -> bool:
        """Whether people must be told."""
        return self.now - self.complete_to > BEHIND
