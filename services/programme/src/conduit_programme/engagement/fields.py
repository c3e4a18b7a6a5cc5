"""What is asked when an activity is logged or proposed, and what an answer means. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from conduit_contracts.geography import forces
from conduit_programme import forms
from conduit_programme.engagement import wording
from conduit_programme.engagement.rules import Activity, ActivityKind, ActivityState, StepOwner
from conduit_programme.engagement.said import ActivityWords
from conduit_programme.forms import Answers, FieldShape, FormField
from conduit_programme.four_ps import PS, FourPs
from conduit_programme.organisations.choosing import OfferedOrganisations
from conduit_programme.wording import day
from conduit_web.words import N_

FORCE, ORGANISATION, HUB, P, THEME = "f-", "o-", "a-", "p-", "t-"
"""How codes begin, so that one answer can name either."""
FOR_WHOM = N_("Say who does it, and by when.")
PAST = N_("This day has passed.")
ABOUT: Mapping[str, str] = {
    **{f"{P}{code}": words for code, words in PS.items()},
    **{f"{THEME}{code}": words for code, words in wording.THEMES.items()},
}
KIND = FormField("kind", N_("What it was"), FieldShape.ONE, wording.KINDS)
HELD = FormField("held_on", N_("Day"), FieldShape.DAY)
_ABOUT = FormField("about", N_("What it was about"), FieldShape.SEVERAL, ABOUT, wanted=False)
_OUTCOME = FormField(
    "outcome",
    N_("What came of it"),
    FieldShape.WORDS,
    wanted=False,
    hint=N_("Those who took part can read this. Nothing about any child or case."),
)
_NEXT = FormField("next", N_("Next step"), wanted=False)
_DUE = FormField("due_on", N_("By when"), FieldShape.DAY, wanted=False)
ROLES = FormField(
    "roles", N_("Who was there, by role"), wanted=False, hint=N_("For example safeguarding lead and two managers.")
)
PROPOSAL = (
    FormField("kind", N_("What you propose"), FieldShape.ONE, wording.KINDS),
    FormField("held_on", N_("Day"), FieldShape.DAY),
    FormField("about", N_("What it is about"), FieldShape.SEVERAL, ABOUT, wanted=False),
    FormField("outcome", N_("What should come of it"), FieldShape.WORDS, hint=N_("Nothing about any child or case.")),
)


@dataclass(frozen=True, slots=True)
class LogChoices:
    """Whom an answer may name."""

    organisations: OfferedOrganisations
    people: Sequence[tuple[str, str]]
    """The hub's, accounts and names."""

    @property
    def named(self) -> dict[str, str]:
        """Organisations as an answer names them, and what they are called."""
        return {f"{ORGANISATION}{each}": called for each, called in self.organisations.names.items()}

    @property
    def areas(self) -> dict[str, str]:
        """The same of forces."""
        return {f"{FORCE}{force_id}": force.name for force_id, force in forces().items()}


def log_fields(known: LogChoices, given: Answers) -> tuple[FormField, ...]:
    """The eight questions of one screen. Who is named already stands in sight, and all others under one line."""
    everybody, search = {**known.named, **known.areas}, known.organisations.search
    in_sight = not given.get("with") or (search is not None and search.find)
    folded = (FORCE, N_("Forces that took part")) if in_sight else ("", N_("Others who took part"))
    label = N_("With whom")
    with_whom = FormField("with", label, FieldShape.SEVERAL, everybody, named=True, folded=folded, search=search)
    return (KIND, HELD, with_whom, _ABOUT, _OUTCOME, *step_fields(known))


def step_fields(known: LogChoices, *, wanted: bool = False) -> tuple[FormField, ...]:
    """What is next, who does it, by when."""
    people = {f"{HUB}{account}": name for account, name in known.people}
    whoever = {**people, **known.named, **known.areas}
    search = known.organisations.search if wanted else None
    owner = FormField("owner", N_("Who does it"), FieldShape.LISTED, whoever, wanted=False, named=True, search=search)
    what = FormField("next", N_("What is to be done"), wanted=True) if wanted else _NEXT
    return (what, owner, _DUE)


def log_problems(fields: Sequence[FormField], answers: Answers, today: date) -> dict[str, str]:
    """What is wrong with a log."""
    return forms.problems(fields, answers) | step_problems(answers, today, forms.problems(fields, answers))


def step_problems(answers: Answers, today: date, known: Mapping[str, str]) -> dict[str, str]:
    """A next step needs somebody who does it, and a day that has not passed."""
    if not answers.get("next"):
        return {}
    due_on, found = forms.day(answers, "due_on"), {}
    if not answers.get("owner") and "owner" not in known:
        found["owner"] = FOR_WHOM
    if "due_on" not in known and (due_on is None or due_on < today):
        found["due_on"] = FOR_WHOM if due_on is None else PAST
    return found


def owner_of(answers: Answers) -> StepOwner:
    """Who does the next step. The answer is in order."""
    return owner_named(answers["owner"])


def owner_named(code: str) -> StepOwner:
    """An owner as the form names it."""
    if code.startswith(ORGANISATION):
        return StepOwner(organisation_id=UUID(code.removeprefix(ORGANISATION)))
    if code.startswith(FORCE):
        return StepOwner(force_id=code.removeprefix(FORCE))
    return StepOwner(account=code.removeprefix(HUB))


def activity(activity_id: UUID, answers: Answers, today: date, by: str) -> Activity:
    """The activity as the form has it. The answers are in order."""
    return Activity(
        activity_id=activity_id,
        kind=ActivityKind(answers["kind"]),
        held_on=forms.day(answers, "held_on") or today,
        state=ActivityState.AGREED,
        ps=ps_of(answers),
        themes=themes_of(answers),
        organisation_ids=organisations_of(answers),
        force_ids=forces_of(answers),
        proposed_by=None,
        words_id=None,
        logged_by=by,
    )


def ps_of(answers: Answers) -> tuple[FourPs, ...]:
    """Which of the four."""
    return tuple(FourPs(each.removeprefix(P)) for each in forms.chosen(answers, "about") if each.startswith(P))


def themes_of(answers: Answers) -> tuple[str, ...]:
    """What else it was about."""
    return tuple(each.removeprefix(THEME) for each in forms.chosen(answers, "about") if each.startswith(THEME))


def organisations_of(answers: Answers) -> tuple[UUID, ...]:
    """Which organisations took part."""
    found = forms.chosen(answers, "with")
    return tuple(UUID(each.removeprefix(ORGANISATION)) for each in found if each.startswith(ORGANISATION))


def forces_of(answers: Answers) -> tuple[str, ...]:
    """Which forces took part."""
    return tuple(each.removeprefix(FORCE) for each in forms.chosen(answers, "with") if each.startswith(FORCE))


def about(activity: Activity) -> str:
    """What it was about, as an answer has it."""
    return " ".join([*(f"{P}{each}" for each in activity.ps), *(f"{THEME}{each}" for each in activity.themes)])


def with_whom(activity: Activity) -> str:
    """Who took part, as an answer has it."""
    named = [f"{ORGANISATION}{each}" for each in sorted(activity.organisation_ids)]
    return " ".join([*named, *(f"{FORCE}{each}" for each in activity.force_ids)])


def written(activity: Activity, said: ActivityWords) -> dict[str, str]:
    """The form filled with what stands."""
    return {
        "kind": activity.kind.value,
        "held_on": day(activity.held_on),
        "with": with_whom(activity),
        "about": about(activity),
        **said.model_dump(),
    }
