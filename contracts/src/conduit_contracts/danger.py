"""A sender who says that a child is in danger is told to call 999 first, whatever else is wrong with what was sent.

What is refused may be cut short, misspelt or not JSON at all. So it is searched, not validated: a false alarm costs
somebody a look, a missed one may cost a child's life.
"""

import re
import zlib
from base64 import b64decode
from collections.abc import Iterator, Sequence
from difflib import get_close_matches
from itertools import islice
from typing import Any, NamedTuple
from unicodedata import normalize

from pydantic_core import from_json

from conduit_contracts import danger_elsewhere
from conduit_contracts.danger_elsewhere import NO, unescaped
from conduit_contracts.intake import Callback
from conduit_contracts.json_texts import BY_ZLIB
from conduit_contracts.problems import Problem, sender_problem

CALL_999 = "A child is in danger: call 999 now."
NOT_TAKEN = f"{CALL_999} The hub could not process what you sent, so no police force will hear about it from the hub."
NOT_SENT = f"{CALL_999} This was not sent, so no police force will hear about it from the hub."
CODE = FIELD = "immediate_danger"
_SPELT = "immediatedanger"

_NAMED = b'"immediate_danger"'
_PLAIN = re.compile(rb'"immediate_danger"\s*:\s*(?:true\b|tr?u?\Z)')
"""Found whatever surrounds it, even if the field appears twice and the last one would win, or if the text ends within it."""
_LOOSE_REFERENCE = re.compile(rb'"partner_reference"\s*:\s*"([A-Za-z0-9][A-Za-z0-9._/-]{0,63})"')
_REFERENCE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/-]{0,63}")
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]+")
_YES = frozenset({"true", "t", "yes", "y", "1", "on"})
_URGENCY = "urgency"
_URGENCY_OF_DANGER = frozenset({"immediate", "immediately", "emergency", "critical", "danger", "threatening", "999"})
"""Words of other systems, which the contract refuses."""
_MOST_UNPACKED = 1_048_576
_EITHER_FORM = 47
"""zlib's number for "gzip or zlib, as it begins"."""
_LOOKS_PACKED = re.compile(r"\s*[\"{\[]")
_DEEPEST = 2
_LONGEST_NAME = 40
_MOST_NAMES = 500
"""Comparing is slow, and a body may hold any number of names."""
_LONGEST_WORDS = {"name": 200, "role": 200, "email": 254, "telephone": 60, "safe_contact": 4_000}


class Heard(NamedTuple):
    """The reference and the contact in a body that says danger, if they can be read. Only their format is checked."""

    partner_reference: str | None
    callback: Callback | None


def plainly(body: bytes | None) -> bool:
    """Whether valid JSON says that a child is in danger now: what says so may go first. Nobody is told because of it."""
    return body is not None and _NAMED in body and _PLAIN.search(body) is not None


def heard(body: bytes | bytearray | memoryview | None) -> Heard | None:
    """The reference and the contact, if the body says that a child is in danger now; None if it does not."""
    text = _expanded(bytes(body or b"")).removeprefix(b"\xef\xbb\xbf").replace(b"\0", b"")
    document = _read(text)
    if document is None:
        return Heard(loose_reference(text), None) if danger_elsewhere.says_danger(text) else None
    found = _heard(text, document, _DEEPEST)
    if found is None and not _is_whole(text) and danger_elsewhere.says_danger(text):
        return Heard(loose_reference(text), None)
    return found


def _expanded(body: bytes) -> bytes:
    """A body that the client compressed itself, unpacked as far as possible and within the hub's limit."""
    if not body.startswith(BY_ZLIB):
        return body
    try:
        return zlib.decompressobj(_EITHER_FORM).decompress(body, _MOST_UNPACKED)
    except zlib.error:
        return body


def _heard(text: bytes, document: Any, deepest: int) -> Heard | None:
    members = list(_members(document))
    said = _PLAIN.search(unescaped(text)) or any(_says_yes(value) for value in _of_danger(members))
    if said or any(_names_danger(name, value) or _means_danger(name, value) for name, value in members):
        return Heard(_reference(members), _callback(members))
    packed = ((each, _read(each)) for each in _packed(document, members)) if deepest else ()
    within = (_heard(each, inner, deepest - 1) for each, inner in packed if inner is not None)
    return next((found for found in within if found is not None), None)


def loose_reference(text: bytes) -> str | None:
    """The partner's reference as it stands in JSON, even if the text is cut off around it."""
    found = _LOOSE_REFERENCE.search(text)
    return found[1].decode("ascii") if found else None


def call_999() -> Problem:
    """The first problem in a refusal of anything that says danger."""
    return sender_problem(CODE, FIELD, NOT_TAKEN)


def danger_first(problems: Sequence[Problem], body: bytes | bytearray | None) -> tuple[Problem, ...]:
    """What is wrong with something that is therefore not sent, with 999 first if it says danger."""
    return (sender_problem(CODE, FIELD, NOT_SENT), *problems) if problems and heard(body) else tuple(problems)


def _read(text: bytes) -> Any:
    try:
        # What arrived of a body that was cut short counts.
        return from_json(text, allow_partial="trailing-strings")
    except ValueError:
        return None


def _is_whole(text: bytes) -> bool:
    """Whether it is one JSON value and nothing else: not cut short, and no second one behind it."""
    try:
        from_json(text)
    except ValueError:
        return False
    return True


def _members(document: Any) -> Iterator[tuple[str, Any]]:
    """Every member of every object, the outermost first."""
    waiting = [document]
    for value in waiting:
        if isinstance(value, dict):
            yield from value.items()
            waiting.extend(value.values())
        elif isinstance(value, list):
            waiting.extend(value)


def _packed(document: Any, members: Sequence[tuple[str, Any]]) -> Iterator[bytes]:
    """Messages wrapped in text: JSON that was encoded twice, and CloudEvents' data_base64."""
    for name, value in (("", document), *members):
        if not isinstance(value, str):
            continue
        if name == "data_base64":
            yield _unpacked(value)
        elif _LOOKS_PACKED.match(value):
            yield value.encode("utf-8", "replace")


def _unpacked(text: str) -> bytes:
    """What base64 holds, as far as it is any."""
    try:
        return b64decode(text.encode("ascii", "ignore"))
    except ValueError:
        return b""


def _of_danger(members: Sequence[tuple[str, Any]]) -> Iterator[Any]:
    names = {name for name, _ in members if len(name) <= _LONGEST_NAME}
    spelt = {name: re.sub(r"[^a-z]", "", normalize("NFKC", name).lower()) for name in names}
    likely = islice((name for name in names if "dang" in spelt[name] or "mmed" in spelt[name]), _MOST_NAMES)
    meant = {FIELD, *(name for name in likely if get_close_matches(spelt[name], (_SPELT,), cutoff=0.85))}
    return (value for name, value in members if name in meant)


def _says_yes(value: Any) -> bool:
    """Whether it is anything but a plain no: a word, a number, or a list or object that contains one."""
    for inner in (waiting := [value]):
        if isinstance(inner, dict | list):
            waiting.extend(inner.values() if isinstance(inner, dict) else inner)
        elif inner and (not isinstance(inner, str) or inner.strip().lower() not in NO):
            return True
    return False


def _means_danger(name: str, value: Any) -> bool:
    """Whether a field of another system's name says yes to danger, as `child_in_danger`. Only a plain yes counts."""
    if len(name) > _LONGEST_NAME or not isinstance(value, bool | int | str) or str(value).strip().lower() not in _YES:
        return False
    words = re.findall(r"[a-z]+", re.sub(r"(?<=[a-z])(?=[A-Z])", " ", normalize("NFKC", name)).lower())
    return "danger" in words and not {"no", "not"}.intersection(words)


def _names_danger(name: str, value: Any) -> bool:
    """Whether a value is danger itself, as in `"urgency": "immediate_danger"`. A word within a sentence does not count."""
    return any(
        isinstance(word, str)
        and len(word) <= _LONGEST_NAME
        and (
            re.sub(r"[^a-z]", "", word.lower()) == _SPELT
            or (name.lower() == _URGENCY and _URGENCY_OF_DANGER.intersection(re.findall(r"[a-z0-9]+", word.lower())))
        )
        for word in (value if isinstance(value, list) else [value])
    )


def _reference(members: Sequence[tuple[str, Any]]) -> str | None:
    found = (value for name, value in members if name == "partner_reference" and isinstance(value, str))
    return next((each for each in found if _REFERENCE.fullmatch(each)), None)


def _callback(members: Sequence[tuple[str, Any]]) -> Callback | None:
    said = next((value for name, value in members if name == "caseworker" and isinstance(value, dict)), {})
    words = {name: _words(said.get(name), most) for name, most in _LONGEST_WORDS.items()}
    return Callback(**words) if any(words.values()) else None


def _words(value: Any, most: int) -> str | None:
    return (_UNPRINTABLE.sub(" ", str(value)).strip()[:most] or None) if isinstance(value, str | int) else None
