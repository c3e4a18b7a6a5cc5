"""The columns of a statement that writes many rows, each named once: for its SQL and for the rows.

PostgreSQL gets an array per column and makes rows of them by `unnest`. An array of arrays would have to be rectangular, so a
column of ids (`IDS`) travels as text; no id holds a blank.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

IDS = "ids"
"""The type of a column that is a `text[]` of ids."""


def listed(names: Iterable[str]) -> str:
    """Columns as SQL lists them."""
    return ", ".join(names)


class Columns:
    """Columns with their types: `Columns(referral_id="uuid", areas=IDS, due_at="timestamptz")`."""

    def __init__(self, **types: str) -> None:
        self._types = types

    def __iter__(self) -> Iterator[str]:
        return iter(self._types)

    @property
    def names(self) -> str:
        """As SQL lists them."""
        return listed(self._types)

    def rows(self, alias: str) -> str:
        """The rows, for a FROM: `unnest($1::uuid[], ...) AS alias (referral_id, ...)`. Its arguments are `arrays`."""
        kinds = ("text" if kind == IDS else kind for kind in self._types.values())
        arrays = ", ".join(f"${number}::{kind}[]" for number, kind in enumerate(kinds, 1))
        return f"unnest({arrays}) AS {alias} ({self.names})"

    def values(self, alias: str) -> str:
        """Each of them in those rows, for a SELECT."""
        return ", ".join(self._value(alias, name) for name in self._types)

    def changes(self, alias: str, *but: str) -> str:
        """Each of them becomes what it is in those rows, for a SET; without the key, and what is said apart.

        `excluded` is PostgreSQL's own name of the row that ON CONFLICT did not insert.
        """
        return ", ".join(f"{name} = {self._value(alias, name)}" for name in self._types if name not in but)

    def _value(self, alias: str, name: str) -> str:
        value = f"{alias}.{name}"
        return f"string_to_array({value}, ' ')" if self._types[name] == IDS and alias != "excluded" else value

    def records(self, rows: Iterable[Mapping[str, Any]]) -> list[tuple[Any, ...]]:
        """The rows as COPY takes them, in the order of the columns."""
        return [tuple(map(row.__getitem__, self._types)) for row in rows]

    def arrays(self, rows: Iterable[Mapping[str, Any]]) -> Sequence[list[Any]]:
        """The arguments, of rows that have a value for each column; what else is in a row is left out."""
        given = list(rows)
        return [
            [" ".join(row[name]) for row in given] if kind == IDS else [row[name] for row in given]
            for name, kind in self._types.items()
        ]
