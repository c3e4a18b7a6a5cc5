"""W3C trace context: an event carries on the trace of the record that caused it, as a new span."""

import random
import re
from os import urandom

_TRACEPARENT = re.compile(r"00-([0-9a-f]{32})-[0-9a-f]{16}-([0-9a-f]{2})")
_NO_TRACE = "0" * 32
_random = random.Random(urandom(16))  # noqa: S311 - span ids need to be distinct, not secret


def child(traceparent: str | None) -> str:
    """A traceparent in the same trace with a new span, or in a new trace where there is none to carry on."""
    found = _TRACEPARENT.fullmatch(traceparent) if traceparent else None
    if found is None or found[1] == _NO_TRACE:
        return f"00-{_random.getrandbits(128) or 1:032x}-{_span()}-01"
    return f"00-{found[1]}-{_span()}-{found[2]}"


def _span() -> str:
    return f"{_random.getrandbits(64) or 1:016x}"
