"""Where a hand-off stands, who leads and why, and why a named officer must look."""

from conduit_contracts.base import Term


class HandoffState(Term):
    """The state of one force's hand-off. Only that force's own answer moves it past `disseminated`, by its connector or, as
    a named officer records it, by telephone."""

    DISSEMINATED = "disseminated"
    RECEIVED = "received"
    ACKNOWLEDGED = "acknowledged"
    DECLINED = "declined"
    STOOD_DOWN = "stood_down"


class HomeForceBasis(Term):
    """Which rule proposed the home force, in the order in which the rules apply."""

    NAMED_BY_OFFICER = "named_by_officer"
    MOST_OFFENCE_PLACES = "most_offence_places"
    MOST_VICTIMS = "most_victims"
    FIRST_VICTIMS_HOME = "first_victims_home"
    SUGGESTED_BY_FORCE = "suggested_by_force"
    """The home force said that the case belongs to another force."""


class RoutingReviewReason(Term):
    """Why a person must look at the routing."""

    NO_FORCE = "no_force"
    TIE = "tie"
    UNKNOWN_PLACE = "unknown_place"
    OVERSEAS_PLACE = "overseas_place"
    OUTSIDE_FORCE_AREAS = "outside_force_areas"
    DECLINED_WITHOUT_SUGGESTION = "declined_without_suggestion"
    SUGGESTION_NOT_USABLE = "suggestion_not_usable"
    ESCALATION_EXHAUSTED = "escalation_exhausted"


class Leg(Term):
    """What a clock waits for."""

    RECEIPT = "receipt"
    ACKNOWLEDGEMENT = "acknowledgement"
