"""What intake tells a sender about a problem. The texts are constant: they say what to do and never repeat a value."""

from conduit_contracts.problems import Origin, Problem, sender_problem

UNKNOWN_PARTNER = Problem(
    code="unknown_partner",
    field="partner_id",
    message="The register has no such partner. Publish its registration, then replay this record.",
    origin=Origin.HUB,
    retryable=True,
)
"""For the operator. An unknown sender gets no answer."""

_MEANWHILE = " Until then, report to the police: on 999 if a child is in danger, otherwise on 101."
_ANEW = " Then send this again with a new ce_id."
_TEXTS = {
    "identity_mismatch": "This is not the partner whose topic or account this came from. Send only your own submissions, "
    "with your own partner_id.",
    "partner_suspended": "The programme has suspended this partner. Speak to your contact at the programme." + _MEANWHILE,
    "mou_unknown": "You have no Memorandum of Understanding with this reference. Check it against your agreement." + _ANEW,
    "mou_not_in_force": "This Memorandum of Understanding was not in force on the day the hub received this. Name one that "
    "is, or speak to your contact at the programme." + _MEANWHILE,
    "referral_too_large": "This is larger than the hub allows. Shorten it, or send the rest later as added information.",
    "time_in_future": "This is in the future. Correct it, or your clock or time zone." + _ANEW,
    "reference_reused": "You sent a different referral under this reference. Send InformationSupplied to add to it or "
    "correct it, or use a new reference for a new case.",
    "reference_mismatch": "The referral at this address has a different reference. Check the address and the reference.",
    "referral_withdrawn": "You withdrew this referral. If a child is in danger, call 999 now. To refer the case again, send "
    "it under a new reference.",
    "reconsideration_already_requested": "You can ask only once for a second officer to look at a referral, and you have "
    "already asked. Send InformationSupplied to add anything new.",
    "place_unknown": "This referral has no place with this place_id. Add the place to places, or correct the id.",
    "local_id_taken": "The referral already uses this id. Use a new one, or set corrects to true if this replaces what "
    "was said before.",
    "referral_full": "This referral has as much added information as the hub allows. Tell the force that leads the case, or "
    "send a new concern under a new reference. If a child is in danger, call 999 and set immediate_danger: that is always "
    "taken.",
    "local_id_repeated": "This id is used more than once here. Give each person and each place an id of its own.",
}
"""A record with the ce_id and content of one that was already answered counts as the same record, hence the new ce_id."""

REFUSALS = tuple(_TEXTS)
"""The codes of refusals by a rule that the sender must correct."""


def problem(code: str, field: str) -> Problem:
    """A problem that the sender must correct."""
    return sender_problem(code, field, _TEXTS[code])


def referral_unknown(field: str) -> Problem:
    """The referral may still be on its way, so trying again may help."""
    return Problem(
        code="referral_unknown",
        field=field,
        message="The hub holds no referral of yours under this reference. Check the reference, or wait until the referral "
        "has been received." + _ANEW,
        origin=Origin.SENDER,
        retryable=True,
    )
