"""Codes of organisations, what they bring and agreements, in words."""

from collections.abc import Mapping

from conduit_programme.organisations.documents import DocumentState, ErasedBecause
from conduit_programme.organisations.rules import AgreementState, OrganisationKind, Stops
from conduit_web.words import N_

KINDS: Mapping[str, str] = {
    OrganisationKind.PARTNER: N_("Partner"),
    OrganisationKind.CANDIDATE: N_("Candidate for partnership"),
    OrganisationKind.THIRD_SECTOR: N_("Third sector"),
    OrganisationKind.CHILDRENS_SERVICES: N_("Children's services"),
    OrganisationKind.HEALTH: N_("Health"),
    OrganisationKind.EDUCATION: N_("Education"),
    OrganisationKind.NATIONAL_AGENCY: N_("National agency"),
    OrganisationKind.INSPECTORATE: N_("Inspectorate"),
    OrganisationKind.OTHER: N_("Other body"),
}
SERVICES: Mapping[str, str] = {
    "advocacy": N_("Advocacy"),
    "violence_adviser": N_("Independent sexual violence adviser"),
    "therapy": N_("Therapy and counselling"),
    "helpline": N_("Helpline"),
    "outreach": N_("Outreach"),
    "return_interviews": N_("Return home interviews"),
    "family_support": N_("Support for families"),
    "accommodation": N_("Safe accommodation"),
    "legal_advice": N_("Legal advice"),
    "professional_training": N_("Training for professionals"),
    "research": N_("Research"),
    "harmful_behaviour": N_("Work with children who harm"),
}
EXPERTISE: Mapping[str, str] = {
    "contact_abuse": N_("Contact abuse"),
    "online_abuse": N_("Online abuse"),
    "group_exploitation": N_("Exploitation by groups"),
    "family_abuse": N_("Abuse within the family"),
    "institutions": N_("Abuse in institutions"),
    "non_recent": N_("Non-recent abuse"),
    "boys": N_("Boys and young men"),
    "disability": N_("Disabled children"),
    "minority_communities": N_("Minority ethnic communities"),
    "care_experience": N_("Children in care"),
    "trafficking": N_("Trafficking"),
    "peer_harm": N_("Harm between children"),
}
LANGUAGES: Mapping[str, str] = {
    "en": N_("English"),
    "cy": N_("Welsh"),
    "bfi": N_("British Sign Language"),
    "ar": N_("Arabic"),
    "bn": N_("Bengali"),
    "pa": N_("Punjabi"),
    "pl": N_("Polish"),
    "ro": N_("Romanian"),
    "so": N_("Somali"),
    "ur": N_("Urdu"),
}
STATES: Mapping[str, str] = {
    AgreementState.IN_FORCE: N_("in force"),
    AgreementState.NOT_YET: N_("not in force yet"),
    AgreementState.LAPSED: N_("lapsed"),
    AgreementState.SUSPENDED: N_("suspended"),
    AgreementState.UNDATED: N_("without dates"),
}
DOCUMENT_STATES: Mapping[str, str] = {
    DocumentState.WAITING: N_("not scanned"),
    DocumentState.CLEAN: N_("scanned"),
    DocumentState.REFUSED: N_("refused"),
}
ERASED: Mapping[str, str] = {
    ErasedBecause.WRONG_AGREEMENT: N_("It belongs to another agreement"),
    ErasedBecause.WRONG_FILE: N_("It is not the signed document"),
    ErasedBecause.TOO_MUCH: N_("It has what should not be here"),
}
STOPS: Mapping[str, str] = {
    Stops.REFERRALS: N_(
        "new referrals under it are refused, unless a child is in danger. Those that the hub already has go on."
    ),
    Stops.SHARING: N_("there is no agreed ground any more on which to share personal data in joint work."),
    Stops.REVIEW: N_("nothing stops at once, but what was agreed may no longer be what both do."),
}
"""What happens if nothing is done, after "Then"."""
ACTS: Mapping[str, str] = {
    "listed_organisations": N_("looked at the list of organisations"),
    "viewed_organisation": N_("looked at an organisation"),
    "added_organisation": N_("added an organisation"),
    "renamed_organisation": N_("renamed an organisation"),
    "took_relationship": N_("took a relationship in hand"),
    "merged_organisation": N_("noted that an organisation became part of another"),
    "wrote_offer": N_("wrote what an organisation brings"),
    "added_contact": N_("added a contact"),
    "contact_left": N_("noted that a contact left"),
    "wrote_agreement": N_("wrote about an agreement"),
    "attached_document": N_("attached the signed document of an agreement"),
    "fetched_document": N_("fetched the signed document of an agreement"),
    "viewed_document": N_("looked at what is known of a signed document"),
    "erased_document": N_("erased a signed document"),
    "reviewed_agreement": N_("noted the review of an agreement"),
    "searched_directory": N_("searched the directory"),
    "viewed_offer": N_("looked at what an organisation brings"),
    "viewed_due": N_("looked at what is due"),
}
ABOUT: Mapping[str, str] = {"organisation": N_("organisation"), "document": N_("signed document")}
TABLES: Mapping[str, Mapping[str, str]] = {
    "organisation_kind": KINDS,
    "service": SERVICES,
    "expertise": EXPERTISE,
    "language": LANGUAGES,
    "agreement_state": STATES,
    "document_state": DOCUMENT_STATES,
    "erased": ERASED,
    "stops": STOPS,
}
