"""Forms: what is asked, what was answered, and what is wrong with it. Pure; `templates/form.html` draws them.

Answers are text, as a form sends them. Of several choices each has a field of its own, and the answer is their codes with
blanks between.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from conduit_programme.rules import LONGEST_LINE, LONGEST_WORDS, day_problem, line_problem, read_day
from conduit_web.visits import typed
from conduit_web.words import N_

Answers = Mapping[str, str]
CHOOSE, NO_CHOICE = N_("Choose one of these."), N_("There is nothing to choose from yet.")
NO_NUMBER = N_("Write a whole number.")
MOST_NUMBER = 1_000
FIND, SEARCH = "find", "search"
"""What somebody searches for within a form, and the button by which they do."""


class FieldShape(StrEnum):
    """How a question is asked."""

    LINE = "line"
    WORDS = "words"
    DAY = "day"
    NUMBER = "number"
    ONE = "one"
    """One of a few, all of which are in sight."""
    LISTED = "listed"
    """One of many, in a list that opens."""
    SEVERAL = "several"


@dataclass(frozen=True, slots=True)
class NameSearch:
    """A search within a form, by name, where it offers only some of what there is."""

    find: str
    """What was searched for last."""
    found: bool
    """Whether something has that in its name."""


@dataclass(frozen=True, slots=True)
class FormField:
    """One question of a form. Its label, hint and options are looked up in the catalogues."""

    name: str
    label: str
    shape: FieldShape = FieldShape.LINE
    options: Mapping[str, str] | None = None
    """Codes and their words."""
    hint: str = ""
    wanted: bool = True
    """Whether it must be answered."""
    longest: int | None = None
    named: bool = False
    """Whether the options' words are names, which no catalogue has."""
    folded: tuple[str, str] | None = None
    """Of several: the prefix of codes that are rarely chosen, and the words under which they stand folded away."""
    search: NameSearch | None = None
    """Stands before it, where there are more options than are offered."""

    @property
    def codes(self) -> Sequence[str]:
        """What may be chosen."""
        return tuple(self.options or ())


@dataclass(frozen=True, slots=True)
class TypedAnswers:
    """What somebody filled in: it is given back to them where it could not be kept."""

    fields: Sequence[FormField]
    answers: Answers

    @property
    def given(self) -> Sequence[tuple[FormField, str]]:
        """What was answered, without choices whose words are others'."""
        asked = [each for each in self.fields if not (each.named and each.options is not None)]
        return [(each, answer) for each in asked if (answer := self.answers.get(each.name, ""))]


def is_search(form: Mapping[str, str]) -> bool:
    """Whether a form was sent by its search, and is to be filled in further."""
    return SEARCH in form


def read(fields: Iterable[FormField], form: Mapping[str, str]) -> dict[str, str]:
    """What was answered, without what nobody asked."""
    return {each.name: _answer(each, form) for each in fields}


def problems(fields: Iterable[FormField], answers: Answers) -> dict[str, str]:
    """What is wrong, by the name of the field, in the order of the form."""
    found = {each.name: _problem(each, answers.get(each.name, "")) for each in fields}
    return {name: problem for name, problem in found.items() if problem}


def in_order(fields: Iterable[FormField], found: Mapping[str, str]) -> dict[str, str]:
    """Problems in the order of the form, whenever each was found."""
    return {each.name: found[each.name] for each in fields if each.name in found}


def chosen(answers: Answers, name: str) -> tuple[str, ...]:
    """The codes of an answer with several."""
    return tuple(answers.get(name, "").split())


def day(answers: Answers, name: str) -> date | None:
    """An answer's day."""
    return read_day(answers.get(name, ""))


def number(answers: Answers, name: str) -> int | None:
    """An answer's number."""
    text = answers.get(name, "").strip()
    return int(text) if text.isdecimal() and text.isascii() and len(text) < 6 else None


def _answer(field: FormField, form: Mapping[str, str]) -> str:
    if field.shape is FieldShape.SEVERAL:
        return " ".join(code for code in field.codes if f"{field.name}-{code}" in form)
    return typed(form, field.name)


def _problem(field: FormField, answer: str) -> str | None:
    if field.shape in {FieldShape.ONE, FieldShape.LISTED, FieldShape.SEVERAL}:
        given = answer.split() if field.shape is FieldShape.SEVERAL else [answer] if answer else []
        if (field.wanted and not given) or not set(given) <= set(field.codes):
            return CHOOSE if field.codes else NO_CHOICE
        return None
    longest = field.longest or (LONGEST_WORDS if field.shape is FieldShape.WORDS else LONGEST_LINE)
    if (found := line_problem(answer, wanted=field.wanted, longest=longest)) or not answer:
        return found
    if field.shape is FieldShape.DAY:
        return day_problem(answer)
    if field.shape is FieldShape.NUMBER:
        found_number = number({field.name: answer}, field.name)
        return None if found_number is not None and found_number <= MOST_NUMBER else NO_NUMBER
    return None
