"""What is wrong with a form: the summary names each field and leads to it, and says what would be right."""

from __future__ import annotations

import re

import pytest

from conduit_programme import forms
from conduit_programme.forms import FieldShape, FormField
from conduit_programme.organisations import fields
from services.programme.tests.pages import Enter, hidden_of, text_of

DAY = (FormField("held_on", "When", FieldShape.DAY),)


@pytest.mark.parametrize(
    "path", ["/advice/new", "/activities/new", "/organisations/new", "/contributors/new", "/insights/new"]
)
async def test_the_summary_names_each_field_that_is_wrong_and_leads_to_it(enter: Enter, path: str) -> None:
    emma = await enter("emma")
    page = await emma.post(path, hidden_of((await emma.get("/sessions")).text))
    assert page.status_code == 400
    summary = page.text.partition('class="govuk-error-summary"')[2].partition("</ul>")[0]
    lines = re.findall(r'<a[^>]*href="#([^"]+)"[^>]*>\s*([^<]+?)\s*</a>', summary)
    assert lines
    assert len({words for _, words in lines}) == len(lines), "no two say the same"
    for field, words in lines:
        assert f'id="{field}"' in page.text
        label = words.partition(": ")[0]
        assert label in text_of(page.text.partition("<form")[2])


@pytest.mark.parametrize(
    ("written", "problem"),
    [
        ("27/11/2026", None),
        ("01/01/2000", None),
        ("31/12/2099", None),
        ("31/12/1999", "Write a day from 01/01/2000 to 31/12/2099."),
        ("31/12/1800", "Write a day from 01/01/2000 to 31/12/2099."),
        ("01/01/9999", "Write a day from 01/01/2000 to 31/12/2099."),
        ("31/02/2026", "Write a day, for example 27/11/2026."),
        ("soon", "Write a day, for example 27/11/2026."),
    ],
)
def test_a_day_out_of_bounds_is_told_the_bounds(written: str, problem: str | None) -> None:
    assert forms.problems(DAY, {"held_on": written}).get("held_on") == problem


@pytest.mark.parametrize(
    ("name", "answer", "is_right"),
    [
        ("telephone", "01632 960147", True),
        ("telephone", "+44 (1632) 960-147", True),
        ("telephone", "abc", False),
        ("telephone", "(((((", False),
        ("telephone", "01632+960147", False),
        ("email", "lead@harbour.example", True),
        ("email", "lead", False),
    ],
)
def test_a_contact_is_reached_by_what_the_contracts_take_for_a_telephone_or_an_email(
    name: str, answer: str, is_right: bool
) -> None:
    answers = forms.read(fields.CONTACT, {"role": "Lead", name: answer})
    assert fields.contact_problems(answers) == ({} if is_right else {name: fields.WRONG_WAYS[name]})
