"""Danger in the part of a body that is over the limit: looked through as it arrives, and not kept.

A referral may be so long that the field comes after everything that the hub may hold. Only the plain field counts here, and
only so much is looked at: whoever reads on works for a request that is refused anyway.
"""

import re
from itertools import islice

from conduit_contracts.danger import loose_reference
from conduit_contracts.danger_elsewhere import says_danger

MOST_LOOKED_AT = 8 * 1_048_576
"""Bytes beyond the limit."""
_OVERLAP = 256
"""Bytes of the chunk before that are looked at again, since the field may lie across two."""
_VALUE = 128
_MOST_FIELDS = 50
"""Looked at in one chunk: a body may name the field any number of times."""
_FIELD = re.compile(rb"immediate[\s_-]{0,2}danger", re.IGNORECASE)


class Overlong:
    """What was heard in what arrived so far."""

    def __init__(self) -> None:
        self.danger = False
        self.partner_reference: str | None = None
        self._before = b""
        self._looked_at = 0

    def hear(self, chunk: bytes) -> bool:
        """Look through what arrives next; returns whether to go on."""
        text = self._before + chunk
        found = islice(_FIELD.finditer(text), 0 if self.danger else _MOST_FIELDS)
        self.danger = self.danger or any(says_danger(text[max(0, at.start() - 1) : at.end() + _VALUE]) for at in found)
        self.partner_reference = self.partner_reference or loose_reference(text)
        self._before = text[-_OVERLAP:]
        self._looked_at += len(chunk)
        return self._looked_at < MOST_LOOKED_AT
