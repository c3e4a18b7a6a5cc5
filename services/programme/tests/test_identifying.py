"""What looks as if somebody could be known by it is found wherever it stands and however spaced; plain words are not."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from conduit_programme.practice import fields, wording
from conduit_programme.practice.identifying import WAYS_TO_REACH, IdentifyingKind, identifying

K = IdentifyingKind
DIGIT = st.integers(0, 9)
GAP = st.sampled_from(["", " ", "-"])
WRITTEN = ("%d/%m/%Y", "%d.%m.%Y", "%d-%m-%y", "%Y-%m-%d", "%d %B %Y", "%B %d, %Y", "%d %b %Y", "%d %m %Y")
PLAIN = st.text(st.sampled_from("abcdefghijklmnopqrstuvwxyzéß ,;:!?\n"), max_size=40)
"""Words without digits, full stops and signs: nothing of it is anybody's, whatever it says. `born` needs a digit."""


@st.composite
def nhs_numbers(draw: st.DrawFn) -> str:
    digits = draw(st.lists(DIGIT, min_size=9, max_size=9))
    check = -sum(digit * weight for digit, weight in zip(digits, range(10, 1, -1), strict=True)) % 11
    assume(check < 10)
    whole = "".join(map(str, [*digits, check]))
    return draw(GAP).join([whole[:3], whole[3:6], whole[6:]])


@st.composite
def telephones(draw: st.DrawFn) -> str:
    area, rest = draw(st.integers(1000, 1999)), draw(st.integers(100_000, 999_999))
    start = draw(st.sampled_from(["0", "+44", "+44 (0)", "0044 ", "(0"]))
    bracket = ")" if start == "(0" else ""
    return f"{start}{area}{bracket}{draw(GAP)}{rest}"


@st.composite
def postcodes(draw: st.DrawFn) -> str:
    outward = draw(st.sampled_from(["M1", "B33", "CR2", "DN55", "W1A", "EC1A", "bt7"]))
    inward = f"{draw(DIGIT)}{''.join(draw(st.lists(st.sampled_from('ABDEFGHJLNPQRSTUWXYZ'), min_size=2, max_size=2)))}"
    return f"{outward}{draw(GAP)}{inward}"


@st.composite
def dates(draw: st.DrawFn) -> str:
    on = draw(st.dates(min_value=date(1950, 1, 1), max_value=date(2026, 12, 31)))
    return on.strftime(draw(st.sampled_from(WRITTEN)))


@st.composite
def insurance_numbers(draw: st.DrawFn) -> str:
    letters = draw(st.sampled_from(["AB", "CE", "jk"]))
    pairs = [f"{draw(st.integers(0, 99)):02}" for _ in range(3)]
    return draw(GAP).join([letters, *pairs, draw(st.sampled_from("ABCD"))])


@st.composite
def emails(draw: st.DrawFn) -> str:
    name = draw(st.text(st.sampled_from("abcxyz0189._-"), min_size=1, max_size=12))
    return f"{name}@{draw(st.sampled_from(['example.org', 'school.example', 'a.b.example']))}"


FOUND = {
    K.NHS_NUMBER: nhs_numbers(),
    K.TELEPHONE: telephones(),
    K.POSTCODE: postcodes(),
    K.DATE: dates(),
    K.NATIONAL_INSURANCE: insurance_numbers(),
    K.EMAIL: emails(),
    K.ONLINE: st.sampled_from(["@synthetic_user", "https://pages.example/somebody", "www.pages.example/somebody"]),
    K.NUMBER: st.integers(1_000_000, 10**12).map(str),
}


@pytest.mark.parametrize("kind", list(K), ids=lambda kind: kind.value)
@given(data=st.data(), before=PLAIN, after=PLAIN)
def test_it_is_found_wherever_it_stands(kind: IdentifyingKind, data: st.DataObject, before: str, after: str) -> None:
    written = data.draw(FOUND[kind])
    found = identifying(f"{before} {written} {after}")
    same_digits = {K.NUMBER, K.NHS_NUMBER, K.TELEPHONE}
    assert kind in found or (kind is K.NUMBER and same_digits & set(found)), (written, found)


@given(PLAIN)
def test_plain_words_identify_nobody(text: str) -> None:
    assert identifying(text) == ()


@pytest.mark.parametrize(
    "text",
    [
        "A girl of about 14 told a teacher; 3 men of 25 to 40 are said to be there, 2 or 3 times in May 2026.",
        "It began in 2019, and in 2020-2021 it stopped. Call 999 or 101, or 0800 1111.",
        "Section 47 of the Act of 1989; regulation 1.2; 24/7; half past 10.30; 50 % of 1,200.",
        "Two force areas (Kent and Essex), on 12 May, at 9:00.",
    ],
    ids=["ages", "years", "law", "days"],
)
def test_what_questions_are_made_of_is_left_alone(text: str) -> None:
    assert identifying(text) == ()


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("\uff20ab_cd", K.ONLINE),
        ("call 0\u20111632\u2013960\u2212147", K.TELEPHONE),
        ("M1\u00a01A\u200bA", K.POSTCODE),
        ("\uff10\uff11/\uff10\uff12/\uff12\uff10\uff11\uff12", K.DATE),
        ("born in 2012", K.DATE),
        ("DOB 3 May", K.DATE),
        ("3rd of May, 2012", K.DATE),
    ],
    ids=["wide sign", "dashes", "unseen letters", "wide digits", "year of birth", "dob", "in words"],
)
def test_however_it_is_written(text: str, kind: IdentifyingKind) -> None:
    assert kind in identifying(text)


@given(st.text(max_size=300))
def test_no_text_is_too_odd(text: str) -> None:
    found = identifying(text)
    assert len(set(found)) == len(found)
    assert set(identifying(text, WAYS_TO_REACH)) == set(found) - WAYS_TO_REACH


def test_who_is_told_what_to_strike_is_not_told_what_it_was() -> None:
    problems = fields.said_problems(fields.MESSAGE, {"words": "Ask synthetic@people.example"}, fields.PARTNERS)
    assert problems == {"words": wording.LOOKS[K.EMAIL]}
    both = {"words": "Ask synthetic@people.example at M1 1AA"}
    assert fields.said_problems(fields.MESSAGE, both, fields.PARTNERS) == {"words": fields.SEVERAL_LOOKS}
    assert fields.said_problems(fields.MESSAGE, {"words": "Ask duty@kent.example"}, fields.OFFICIAL) == {}
