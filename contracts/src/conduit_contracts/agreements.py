"""When a Memorandum of Understanding holds. Whoever judges that asks here: intake, the programme, the command line."""

from datetime import date
from typing import Protocol


class Dated(Protocol):
    """An agreement, as far as it must be known to say whether it holds."""

    @property
    def valid_from(self) -> date:
        """The first day on which it is in force."""
        ...

    @property
    def valid_to(self) -> date:
        """The last day on which it is in force."""
        ...

    @property
    def suspended(self) -> bool:
        """Whether somebody has suspended it."""
        ...


def in_force(agreement: Dated, on: date) -> bool:
    """Both ends are included."""
    return not agreement.suspended and agreement.valid_from <= on <= agreement.valid_to


def has_lapsed(agreement: Dated, on: date) -> bool:
    """Whether it was in force once, has ended since, and nobody suspended it."""
    return not agreement.suspended and agreement.valid_to < on
