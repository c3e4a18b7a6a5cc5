"""Numbers of things in messages: one of them is not "1 things"."""

from __future__ import annotations


def counted(number: int, one: str, rest: str = "", *, many: str = "", rest_of_many: str = "") -> str:
    """`1 hand-off`, `2 hand-offs`; with `rest`, what is said of one, and `rest_of_many`, what is said of several."""
    said = rest if number == 1 else rest_of_many or rest
    return " ".join(filter(None, (str(number), one if number == 1 else many or f"{one}s", said)))
