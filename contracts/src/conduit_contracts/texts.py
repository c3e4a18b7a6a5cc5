"""Texts that people read must have visible characters: spaces and invisible characters alone say nothing."""

import unicodedata

from conduit_contracts.base import Finding

_BLANK = Finding(
    "length_out_of_range",
    "This contains only spaces or invisible characters. Write it in words, or leave the field out.",
)
_INVISIBLE_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Zs", "Zl", "Zp"})
_INVISIBLE_RANGES = (
    (0x034F, 0x034F),
    (0x115F, 0x1160),
    (0x17B4, 0x17B5),
    (0x180B, 0x180F),
    (0x2065, 0x2065),
    (0x2800, 0x2800),  # a braille cell without dots
    (0x3164, 0x3164),
    (0xFDD0, 0xFDEF),
    (0xFE00, 0xFE0F),
    (0xFFA0, 0xFFA0),
    (0xFFF0, 0xFFF8),
    (0x16FE4, 0x16FE4),  # the filler of a script
    (0x1D159, 0x1D159),  # a note without a head
    (0xE0000, 0xE0FFF),
)
"""What leaves no ink by its name, what Unicode's property Default_Ignorable_Code_Point has beyond those categories, and what
is never a character."""


_NOTHING_ALONE = frozenset({"Cn", "Co", "Mc", "Me", "Mn"})
"""Marks that belong on a letter, and what is no character, or none that everybody's font has."""


def shows_something(text: str) -> bool:
    """Whether a reader sees anything: at least one visible character."""
    return "!" <= text[:1] <= "~" or any(map(_is_read, text))  # the first character nearly always settles it


def _is_read(character: str) -> bool:
    return unicodedata.category(character) not in _NOTHING_ALONE and _leaves_ink(character)


def without_the_invisible(text: str) -> str:
    """The text as a reader sees it: spaces stay, invisible characters are removed."""
    return "".join(each for each in text if each.isspace() or _leaves_ink(each))


def blank_text(text: str) -> Finding | None:
    """The rule of entry for every text in words."""
    return None if shows_something(text) else _BLANK


def _leaves_ink(character: str) -> bool:
    if unicodedata.category(character) in _INVISIBLE_CATEGORIES:
        return False
    point = ord(character)
    return point & 0xFFFE != 0xFFFE and not any(first <= point <= last for first, last in _INVISIBLE_RANGES)
