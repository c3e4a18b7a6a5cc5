"""W3C trace context: an event carries on the trace of the record that caused it, as a new span."""

import random
import re
from functools import lru_cache
from os import urandom

_TRACEPARENT = re.compile(r"00-([0-9a-f]{32})-[0-9a-f]{16}-([0-9a-f]{2})")
_NO_TRACE = "0" * 32
_NOTHING = ("", "01")
"""No trace to carry on: the new one is sampled."""
_random = random.Random(urandom(16))  # noqa: S311 - span ids need to be distinct, not secret


def child(traceparent: str | None) -> str:
    """A traceparent in the same trace with a new span, or in a new trace where there is none to carry on."""
    trace, flags = _carried(traceparent) if traceparent else _NOTHING
    return f"00-{trace or f'{_random.getrandbits(128) or 1:032x}'}-{_span()}-{flags}"


@lru_cache(maxsize=1_024)
def _carried(traceparent: str) -> tuple[str, str]:
    """The trace and the flags to carry on: a record's events follow each other."""
    found = _TRACEPARENT.fullmatch(traceparent)
    return _NOTHING if found is None or found[1] == _NO_TRACE else (found[1], found[2])


def _span() -> str:
    return f"{_random.getrandbits(64) or 1:016x}"
