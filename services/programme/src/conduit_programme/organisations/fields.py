"""What is asked in the forms of organisations, and what an answer means. Pure."""

from dataclasses import replace
from datetime import date
from hashlib import sha256

from pydantic import ValidationError

from conduit_contracts.base import Value
from conduit_contracts.entry import entry_problems
from conduit_contracts.fields import Email, TelephoneText
from conduit_contracts.geography import forces
from conduit_programme import forms
from conduit_programme.forms import Answers, FieldShape, FormField
from conduit_programme.organisations import wording
from conduit_programme.organisations.rules import OLDEST, KeptAgreement, OrganisationKind, OrganisationOffer
from conduit_programme.organisations.said import AgreementWords, ContactWords
from conduit_programme.wording import day
from conduit_web.words import N_

EVERYWHERE = "everywhere"
_HASH_LENGTH = len(sha256().hexdigest())
NO_HASH = N_("A SHA-256 has 64 digits and letters from a to f.")
WRONG_ORDER = N_("This is before the first day.")
TOO_YOUNG = N_("This is below the youngest age.")
NO_AGE = N_("Write an age from 0 to 120.")
NO_WAY_TO_ASK = N_("Give a telephone or an email.")
WRONG_WAYS = {
    "telephone": N_("Write 5 to 25 digits, blanks, brackets and hyphens, with + only first, for example 01632 960147."),
    "email": N_("Write an email address, for example team@partner.example."),
}

NEW = (
    FormField("name", N_("Name of the organisation")),
    FormField(
        "kind",
        N_("What it is"),
        FieldShape.LISTED,
        {code: words for code, words in wording.KINDS.items() if code != OrganisationKind.PARTNER},
        hint=N_("A partner comes here by itself once it stands in the register."),
    ),
)
OFFER = (
    FormField("services", N_("Services"), FieldShape.SEVERAL, wording.SERVICES, wanted=False),
    FormField("expertise", N_("What you know most about"), FieldShape.SEVERAL, wording.EXPERTISE, wanted=False),
    FormField(
        "areas",
        N_("Areas"),
        FieldShape.SEVERAL,
        {EVERYWHERE: N_("The whole United Kingdom"), **{f"f-{each}": force.name for each, force in forces().items()}},
        wanted=False,
        folded=("f-", N_("Some force areas")),
    ),
    FormField(
        "youngest", N_("From which age"), FieldShape.NUMBER, wanted=False, hint=N_("Leave it empty if there is no limit.")
    ),
    FormField(
        "oldest", N_("Up to which age"), FieldShape.NUMBER, wanted=False, hint=N_("Leave it empty if there is no limit.")
    ),
    FormField("languages", N_("Languages"), FieldShape.SEVERAL, wording.LANGUAGES, wanted=False),
    FormField(
        "words", N_("In your own words"), FieldShape.WORDS, wanted=False, hint=N_("Nothing about any child, case or person.")
    ),
)
CONTACT = (
    FormField("role", N_("Role"), hint=N_("For example safeguarding lead, or out-of-hours desk.")),
    FormField("telephone", N_("Telephone"), wanted=False, longest=40),
    FormField("email", N_("Email"), wanted=False),
    FormField("on_duty", N_("When they answer"), wanted=False, hint=N_("For example Monday to Friday, 9:00 to 17:00.")),
    FormField("name", N_("Name, if the role alone does not find them"), wanted=False),
)
REVIEW = (
    FormField("reviewed_on", N_("When both looked at it again"), FieldShape.DAY),
    FormField("next_on", N_("When it is next to be reviewed"), FieldShape.DAY, wanted=False),
)
_REFERENCE = FormField("reference", N_("Reference"), longest=64)
_DAYS = (
    FormField("valid_from", N_("First day"), FieldShape.DAY),
    FormField("valid_to", N_("Last day"), FieldShape.DAY),
    FormField("review_on", N_("When it is to be reviewed"), FieldShape.DAY, wanted=False),
    FormField("scope", N_("What it covers"), FieldShape.WORDS),
)
_MORE = (
    FormField("parties", N_("Who the parties are"), FieldShape.WORDS, wanted=False),
    FormField(
        "signatories", N_("Who signed"), FieldShape.WORDS, wanted=False, hint=N_("By role, with the name if it is needed.")
    ),
    FormField("ground", N_("Data protection ground"), wanted=False),
    FormField("assessed_on", N_("When the data protection impact assessment was made"), FieldShape.DAY, wanted=False),
    FormField("assessment", N_("Where that assessment is"), wanted=False),
    FormField(
        "document_sha256",
        N_("SHA-256 of the signed document"),
        wanted=False,
        hint=N_("As sha256sum prints it, so that anybody can see that it is the same document."),
    ),
    FormField("document", N_("Where the signed document is"), wanted=False),
)


class ContactWays(Value):
    """How to reach somebody, by the rules for a referral's contacts."""

    telephone: TelephoneText | None = None
    email: Email | None = None


def of_agreement(*, known: bool, from_register: bool) -> tuple[FormField, ...]:
    """What is asked of one. The register's own reference, days and scope are not asked again."""
    reference = () if known else (_REFERENCE,)
    return (*reference, *(() if from_register else _DAYS), *_MORE)


def offer(answers: Answers) -> OrganisationOffer:
    """What an organisation brings, as the form has it."""
    areas = forms.chosen(answers, "areas")
    return OrganisationOffer(
        services=forms.chosen(answers, "services"),
        expertise=forms.chosen(answers, "expertise"),
        force_ids=tuple(each.removeprefix("f-") for each in areas if each != EVERYWHERE),
        everywhere=EVERYWHERE in areas,
        youngest=forms.number(answers, "youngest"),
        oldest=forms.number(answers, "oldest"),
        languages=forms.chosen(answers, "languages"),
    )


def offer_problems(answers: Answers) -> dict[str, str]:
    """What is wrong with it."""
    found = forms.problems(OFFER, answers)
    youngest, oldest = forms.number(answers, "youngest"), forms.number(answers, "oldest")
    if youngest is not None and oldest is not None and youngest > oldest:
        found.setdefault("oldest", TOO_YOUNG)
    for name, age in (("youngest", youngest), ("oldest", oldest)):
        if age is not None and age > OLDEST:
            found.setdefault(name, NO_AGE)
    return found


def offer_answers(known: OrganisationOffer, words: str) -> dict[str, str]:
    """The form filled with what is known."""
    areas = [*([EVERYWHERE] if known.everywhere else []), *(f"f-{each}" for each in known.force_ids)]
    return {
        "services": " ".join(known.services),
        "expertise": " ".join(known.expertise),
        "areas": " ".join(areas),
        "youngest": "" if known.youngest is None else str(known.youngest),
        "oldest": "" if known.oldest is None else str(known.oldest),
        "languages": " ".join(known.languages),
        "words": words,
    }


def contact(answers: Answers) -> ContactWords:
    """A role, and how to reach it."""
    return ContactWords(**{each.name: answers[each.name] for each in CONTACT})


def contact_problems(answers: Answers) -> dict[str, str]:
    """What is wrong with it."""
    found = forms.problems(CONTACT, answers)
    for name, words in WRONG_WAYS.items():
        if answers[name] and not _is_way(name, answers[name]):
            found.setdefault(name, words)
    if not found and not answers["telephone"] and not answers["email"]:
        found["telephone"] = NO_WAY_TO_ASK
    return found


def _is_way(name: str, answer: str) -> bool:
    try:
        return not entry_problems(ContactWays.model_validate({name: answer}))
    except ValidationError:
        return False


def agreement(kept: KeptAgreement, answers: Answers) -> KeptAgreement:
    """The agreement as the form has it."""
    days = {} if kept.from_register else {name: forms.day(answers, name) for name in ("valid_from", "valid_to", "review_on")}
    digest = answers.get("document_sha256", "").lower() or None
    return replace(kept, **days, assessed_on=forms.day(answers, "assessed_on"), document_sha256=digest)  # type: ignore[arg-type]  # days are days


def agreement_problems(fields: tuple[FormField, ...], answers: Answers) -> dict[str, str]:
    """What is wrong with it."""
    found = forms.problems(fields, answers)
    first, last = forms.day(answers, "valid_from"), forms.day(answers, "valid_to")
    if first and last and last < first:
        found.setdefault("valid_to", WRONG_ORDER)
    digest = answers.get("document_sha256", "").lower()
    if digest and (len(digest) != _HASH_LENGTH or not set(digest) <= set("0123456789abcdef")):
        found.setdefault("document_sha256", NO_HASH)
    return found


def agreement_answers(kept: KeptAgreement, said: AgreementWords) -> dict[str, str]:
    """The form filled with what stands. The register's own days are not asked again."""
    days: dict[str, date | None] = {"assessed_on": kept.assessed_on}
    if not kept.from_register:
        days |= {"valid_from": kept.valid_from, "valid_to": kept.valid_to, "review_on": kept.review_on}
    written = {name: day(on) if on else "" for name, on in days.items()}
    return {**said.model_dump(), **written, "document_sha256": kept.document_sha256 or ""}


def review_answers(reviewed_on: date | None, next_on: date | None) -> dict[str, str]:
    """When both last looked at it, and when they mean to look again, as a form has it."""
    days = {"reviewed_on": reviewed_on, "next_on": next_on}
    return {name: day(on) for name, on in days.items() if on}


def agreement_words(answers: Answers) -> AgreementWords:
    """What was written of it."""
    return AgreementWords(**{name: answers.get(name, "") for name in AgreementWords.model_fields})
