"""Codes of lived experience in words."""

from collections.abc import Mapping

from conduit_programme.experience.rules import ConsentPurpose, PaymentState, WellbeingMoment, WellbeingOutcome
from conduit_programme.experience.store import CONTRIBUTOR, HUB, PARTNER
from conduit_web.words import N_

PURPOSES: Mapping[str, str] = {
    ConsentPurpose.RECORD: N_("What they say may be written down"),
    ConsentPurpose.QUOTE: N_("It may be quoted without their name"),
    ConsentPurpose.CONTACT: N_("They may be asked again"),
    ConsentPurpose.PUBLISH: N_("It may be published"),
}
ENDS: Mapping[str, str] = {
    ConsentPurpose.RECORD: N_(
        "All that they said is deleted at once and for good, and is gone from every page and release. They are no longer"
        " quoted or published. It cannot be brought back."
    ),
    ConsentPurpose.QUOTE: N_(
        "Their words are gone at once from what others read, and from every release. What was written down stays here."
    ),
    ConsentPurpose.CONTACT: N_("Nobody asks them again. If a way to reach them is kept here, it is deleted at once."),
    ConsentPurpose.PUBLISH: N_(
        "Their words are gone at once from every release, and each release names the gap. It stays a gap, whatever they"
        " agree to later. Copies that were printed or saved cannot be recalled."
    ),
}
"""What a withdrawal does."""
SAID_BY: Mapping[str, str] = {
    CONTRIBUTOR: N_("the contributor"),
    PARTNER: N_("the partner, for the contributor"),
    HUB: N_("the hub"),
}
MOMENTS: Mapping[str, str] = {WellbeingMoment.BEFORE: N_("before"), WellbeingMoment.AFTER: N_("after")}
OUTCOMES: Mapping[str, str] = {
    WellbeingOutcome.WELL: N_("They are well"),
    WellbeingOutcome.SUPPORT: N_("They want support, and the partner gives it"),
    WellbeingOutcome.STOP: N_("It does not go on"),
}
PAYMENTS: Mapping[str, str] = {
    PaymentState.DUE: N_("to be offered"),
    PaymentState.OFFERED: N_("offered"),
    PaymentState.ACCEPTED: N_("accepted"),
    PaymentState.DECLINED: N_("declined"),
    PaymentState.PAID: N_("paid"),
}
ACTS: Mapping[str, str] = {
    "listed_contributors": N_("looked at the list of contributors"),
    "viewed_contributor": N_("looked at a contributor"),
    "began_contributor": N_("began to keep a contributor"),
    "gave_consent": N_("noted that a contributor agrees"),
    "withdrew_consent": N_("noted that a contributor no longer agrees"),
    "reviewed_consents": N_("noted that a contributor was asked about all consents"),
    "wrote_way_to_reach": N_("wrote how to reach a contributor"),
    "planned_conversation": N_("planned a conversation with a contributor"),
    "held_conversation": N_("noted that a conversation with a contributor took place"),
    "checked_wellbeing": N_("noted how a contributor is"),
    "gave_wellbeing_check": N_("gave a wellbeing check to somebody else"),
    "kept_quote": N_("wrote down what a contributor said"),
    "deleted_quote": N_("deleted what a contributor said"),
    "forgot_contributor": N_("deleted a contributor"),
    "viewed_care_due": N_("looked at what is due for contributors"),
    "viewed_told": N_("looked at what people with lived experience tell"),
    "viewed_release": N_("looked at a release"),
    "published_release": N_("published a release"),
    "listed_payments": N_("looked at the list of payments"),
    "viewed_payment": N_("looked at a payment"),
    "changed_payment": N_("noted what became of a payment"),
}
ABOUT: Mapping[str, str] = {
    "contributor": N_("contributor"),
    "release": N_("release"),
    "payment": N_("payment"),
}
TABLES: Mapping[str, Mapping[str, str]] = {
    "consent": PURPOSES,
    "consent_ends": ENDS,
    "said_by": SAID_BY,
    "wellbeing_moment": MOMENTS,
    "wellbeing": OUTCOMES,
    "payment": PAYMENTS,
}
