"""A map of the territorial forces as squares, written by the server without styles of its own.

Each square that matters has a number and a sign, so that nothing is said by colour alone. A list beside the map says the
same in words, and the map is hidden from who cannot see it.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from conduit_contracts.places import force_tiles

SIDE = 40
"""Of a square, in units of the picture, with the gap around it."""


class Sign(StrEnum):
    """What a force has of a case, as its square shows it."""

    WOULD = "would"
    """It would get its part by the rules."""
    SENT = "sent"
    RECEIVED = "received"
    TAKEN = "taken"
    SILENT = "silent"
    ENDED = "ended"
    KEPT = "kept"
    """No rule sends it the case."""


@dataclass(frozen=True, slots=True)
class MarkedForce:
    """A force that the case concerns."""

    number: int
    """As the list beside the map has it."""
    force_id: str
    sign: Sign
    leads: bool = False
    looks_after: bool = False
    """It looks after the child until a home force has acknowledged."""

    @property
    def on_map(self) -> bool:
        """Whether it has an area, and so a square."""
        return self.force_id in force_tiles()


@dataclass(frozen=True, slots=True)
class Square:
    """A square of the map. `marked` is None where the force has nothing to do with the case."""

    x: int
    y: int
    marked: MarkedForce | None


def squares(marked: Iterable[MarkedForce]) -> list[Square]:
    """All squares, those that matter last, so that their edges lie on top."""
    by_force = {each.force_id: each for each in marked}
    made = [Square(column * SIDE, row * SIDE, by_force.get(force_id)) for force_id, (column, row) in force_tiles().items()]
    return sorted(made, key=lambda each: each.marked is not None)


def map_size() -> tuple[int, int]:
    """Width and height of the picture."""
    columns, rows = zip(*force_tiles().values(), strict=True)
    return (max(columns) + 1) * SIDE, (max(rows) + 1) * SIDE
