"""What people do at a desk, as the law on logging sorts it. Each desk keeps its own trail."""

from collections.abc import Mapping
from enum import StrEnum

from conduit_web.words import N_


class ActKind(StrEnum):
    """What an act is (Data Protection Act 2018, section 62)."""

    CONSULTATION = "consultation"
    ALTERATION = "alteration"
    DISCLOSURE = "disclosure"
    COMBINATION = "combination"


ACT_KINDS: Mapping[str, str] = {
    ActKind.CONSULTATION: N_("looked"),
    ActKind.ALTERATION: N_("changed"),
    ActKind.DISCLOSURE: N_("disclosed"),
    ActKind.COMBINATION: N_("combined"),
}
"""In words."""
