"""Tables for people: no value in them is cut, however narrow the terminal is."""

from __future__ import annotations

from rich.cells import cell_len
from rich.console import Console
from rich.table import Column, Table
from rich.text import Text

WORDS = frozenset({"waits for", "who", "about", "what", "why", "ready", "roles", "shown as", "sign-in"})
"""Columns that may go on in the next line, between two words. The others hold what is copied, compared or searched for."""


def table(*columns: str) -> Table:
    """An empty table, for rows of texts; a text is shown as it is, whatever stands in it."""
    return Table(*(Column(name, no_wrap=name not in WORDS) for name in columns))


def show_table(shown: Table) -> None:
    """Print it. On a terminal that is too narrow, each value gets a line of its own, with its column's name before it.

    Where the output is no terminal, every row is one line.
    """
    console = Console(markup=False, emoji=False)
    if console.is_terminal:
        console.print(fitting(shown, console.width), soft_wrap=True)
    else:
        fit(shown, None)
        wide = sum(column.width or 0 for column in shown.columns) + _borders(shown)
        Console(markup=False, emoji=False, width=max(console.width, wide)).print(shown)


def fitting(shown: Table, width: int) -> Table | Text:
    """What to print on so many columns of a terminal."""
    room = width - _borders(shown)
    if room < sum(map(_least, shown.columns)):
        return line_by_line(shown)
    fit(shown, room)
    return shown


def fit(shown: Table, room: int | None) -> None:
    """Give each column its width: what it needs to be whole, and what it can use of the room left; None is no end."""
    left = None if room is None else room - sum(map(_least, shown.columns))
    for column in shown.columns:
        more = _most(column) - _least(column)
        given = more if left is None else min(more, left)
        column.width = _least(column) + given
        left = None if left is None else left - given


def line_by_line(shown: Table) -> Text:
    """Each row as lines of a name and a value, and an empty line between rows."""
    names = [str(column.header) for column in shown.columns]
    widest = max(map(len, names))
    blocks = []
    for row in zip(*(column.cells for column in shown.columns), strict=True):
        pairs = [(name, cell if isinstance(cell, Text) else str(cell)) for name, cell in zip(names, row, strict=True)]
        lines = [Text.assemble((f"{name:{widest}}  ", "bold"), value) for name, value in pairs if value]
        blocks.append(Text("\n").join(lines))
    return Text("\n\n").join(blocks)


def _borders(shown: Table) -> int:
    """A line before each column and behind the last, and a space on either side of each value."""
    return 3 * len(shown.columns) + 1


def _least(column: Column) -> int:
    if column.no_wrap:
        return _most(column)
    return max((cell_len(word) for text in (str(column.header), *_texts(column)) for word in text.split()), default=1)


def _most(column: Column) -> int:
    return max(map(cell_len, (str(column.header), *_texts(column))))


def _texts(column: Column) -> list[str]:
    return [str(cell) for cell in column.cells]
