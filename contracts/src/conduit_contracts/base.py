"""The base of every value type and message: frozen, strict, closed."""

from collections.abc import Iterable
from enum import StrEnum
from operator import attrgetter
from typing import TYPE_CHECKING, Any, NamedTuple, get_args

from pydantic import BaseModel, ConfigDict


class Term(StrEnum):
    """A word of a closed list."""

    # For speed alone. A term is asked for its value each time that it is written as JSON; the library's answer is a function
    # in Python, this one is in C and gives the same. So a message is written in four fifths of the time (13.0 µs, 15.9
    # without: the example of ReferralReceived, one core of the reference machine, November 2026).
    if not TYPE_CHECKING:  # which would take it for a word of the list
        value = property(attrgetter("_value_"))


KNOWN_NAMES: set[str] = set()
"""Every field name in the contracts: the only names that an error may show."""
TAGS: set[str] = set()
"""Every value of a union's tag. Pydantic puts it into the path of a field, but JSON has no such step."""


class Finding(NamedTuple):
    """What a rule of entry found. `location` leads from the rule's own value to the field. Without a text, the code's own is
    used."""

    code: str
    message: str | None = None
    location: tuple[int | str, ...] = ()


class Value(BaseModel):
    """A value without identity. Unknown fields are refused unless the reader says otherwise."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, hide_input_in_errors=True)

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        super().__pydantic_init_subclass__(**kwargs)
        KNOWN_NAMES.update(cls.model_fields)
        if tag := cls.model_fields.get("kind"):
            TAGS.update(str(value) for value in get_args(tag.annotation))

    def at_entry(self) -> Iterable[Finding]:
        """What is wrong with it when it comes in, beyond what makes it unreadable. See `entry`."""
        return ()


class Inconsistent(ValueError):  # noqa: N818 - named for what the record is
    """Raised by validators of the contracts. Its text is shown to the sender, so it is constant and repeats no value.

    `location` leads from the rule's own value to the entry that has to be corrected.
    """

    def __init__(self, text: str, location: tuple[int | str, ...] = ()) -> None:
        super().__init__(text)
        self.location = location
