"""What intake tells a sender. The words are constant: they name the field and the next step, never a value."""

from conduit_contracts.problems import Origin, Problem, sender_problem

UNKNOWN_PARTNER = Problem(
    code="unknown_partner",
    field="partner_id",
    message="The register has no such partner. Publish its registration, then replay this record.",
    origin=Origin.HUB,
    retryable=True,
)
"""For the operator: nobody unknown is answered."""

_MEANWHILE = " Until then report to the police, on 101, or on 999 where a child is in danger."
_ANEW = " Then send this again with a new ce_id."
_TEXTS = {
    "identity_mismatch": "This is not the partner whose topic or account this came by. Send your own submissions only, "
    "with your own partner_id.",
    "partner_suspended": "The programme has suspended this partner. Speak to your contact at the programme." + _MEANWHILE,
    "mou_unknown": "You have no Memorandum of Understanding of this reference. Check it against your agreement." + _ANEW,
    "mou_not_in_force": "This Memorandum of Understanding was not in force on the day on which the hub took this. Name one "
    "that is, or speak to your contact at the programme." + _MEANWHILE,
    "referral_too_large": "This is larger than the hub takes. Shorten it, or send the rest later as supplied information.",
    "time_in_future": "This time lies in the future. Check your clock and the time's zone." + _ANEW,
    "reference_reused": "You sent another referral under this reference. Send InformationSupplied to add or correct, or "
    "use a new reference for a new case.",
    "reference_mismatch": "The referral at this address has another reference. Check the address and the reference.",
    "referral_withdrawn": "You withdrew this referral. To refer the case again, send it under a new reference. "
    "Where a child is in danger, call 999 now.",
    "reconsideration_already_requested": "A second officer's look can be asked for once, and you have asked. Send "
    "InformationSupplied to add what is new.",
    "place_unknown": "No place of this referral has this place_id. Add the place to places, or correct the id.",
    "local_id_taken": "The referral already has this id. Use a new one, or set corrects to true where this replaces what "
    "was said before.",
    "referral_full": "This referral has as much added information as the hub takes. Tell the force that leads the case, or "
    "refer a new concern under a new reference. Where a child is in danger, set immediate_danger: that is always taken.",
    "local_id_repeated": "This id occurs twice here. Give each person and each place an id of its own.",
}
"""A record with the ce_id and content of one that was answered is taken for the same record, hence the new ce_id."""

REFUSALS = tuple(_TEXTS)
"""The codes of rules' refusals that the sender must mend."""


def problem(code: str, field: str) -> Problem:
    """A problem that the sender must mend."""
    return sender_problem(code, field, _TEXTS[code])


def referral_unknown(field: str) -> Problem:
    """The referral may still be on its way, so trying again may help."""
    return Problem(
        code="referral_unknown",
        field=field,
        message="The hub holds no referral of yours under this reference. Check the reference, or wait until the referral "
        "was received." + _ANEW,
        origin=Origin.SENDER,
        retryable=True,
    )
