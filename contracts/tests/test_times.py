"""A time is what somebody wrote as a time, and can always be computed with."""

from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from conduit_contracts.base import Value
from conduit_contracts.explain import problems_from
from conduit_contracts.times import EARLIEST, LATEST, Day, Moment


class Stamped(Value):
    at: Moment
    on: Day | None = None


def read(at: str, on: str = "null") -> Stamped:
    return Stamped.model_validate_json(f'{{"at": {at}, "on": {on}}}')


def problem(at: str = '"2026-11-23T09:30:00Z"', on: str = "null") -> tuple[str, str]:
    with pytest.raises(ValidationError) as caught:
        read(at, on)
    (found,) = problems_from(caught.value)
    return found.code, found.field


offsets = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))


@given(at=st.datetimes(timezones=offsets), on=st.none() | st.dates())
def test_a_time_comes_back_as_it_went_or_is_refused_where_utc_has_no_year_for_it(at: datetime, on: date | None) -> None:
    day = "null" if on is None else f'"{on}"'
    text = f'"{at.isoformat()}"'
    try:
        inside = EARLIEST <= at.astimezone(UTC) <= LATEST
    except OverflowError:
        inside = False
    if not inside:
        assert problem(text, day) == ("value_out_of_range", "at")
        return
    stamped = read(text, day)
    assert (stamped.at, stamped.on) == (at, on)
    assert stamped.at.astimezone(UTC) == at
    assert Stamped.model_validate_json(stamped.model_dump_json()) == stamped


@pytest.mark.parametrize(
    "text", ["1795426200", "1795426200.5", "-1", "0", "17954262000000", "1e9", "20261123", "20261123T093000Z"]
)
def test_digits_are_never_taken_for_unix_time(text: str) -> None:
    assert problem(at=f'"{text}"') == ("format_invalid", "at")
    assert problem(on=f'"{text}"') == ("format_invalid", "on")


@pytest.mark.parametrize("text", ["1795426200", "1.5", "true", "[]", "{}"])
def test_only_text_is_read(text: str) -> None:
    assert problem(at=text) == ("field_type", "at")
    assert problem(on=text) == ("field_type", "on")


@pytest.mark.parametrize(
    "text", ["2026-11-23T09:30:00", "2026-11-23", "2026-02-30T09:30:00Z", "2026-11-23T25:30:00Z", "", "x"]
)
def test_a_time_needs_a_day_an_hour_and_a_zone(text: str) -> None:
    assert problem(at=f'"{text}"') == ("format_invalid", "at")


@pytest.mark.parametrize("text", ["2026-11-23T00:00:00Z", "2026-11-23T00:00:00", "2026-02-30", "23/11/2026", "2026-11-23 "])
def test_a_day_is_a_day_alone(text: str) -> None:
    assert problem(on=f'"{text}"') == ("format_invalid", "on")


@pytest.mark.parametrize("text", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"])
def test_what_utc_has_no_year_for_is_a_problem_and_no_exception_later(text: str) -> None:
    assert problem(at=f'"{text}"') == ("value_out_of_range", "at")


@pytest.mark.parametrize(
    "text", ["2026-11-23T09:30:00Z", "2026-11-23t09:30:00z", "2026-11-23 10:30:00+01:00", "2026-11-23T09:30:00.000000Z"]
)
def test_every_form_of_rfc_3339_is_read(text: str) -> None:
    assert read(f'"{text}"').at == datetime(2026, 11, 23, 9, 30, tzinfo=UTC)


def test_a_program_gives_the_objects_themselves() -> None:
    assert Stamped(at=datetime(2026, 11, 23, tzinfo=UTC), on=date(2026, 11, 23))
    wrong: list[Any] = ["2026-11-23T09:30:00Z", datetime(2026, 11, 23), 1795426200]  # noqa: DTZ001 - what is refused
    for at in wrong:
        with pytest.raises(ValidationError):
            Stamped(at=at)


def test_the_json_schema_names_the_standard_formats() -> None:
    assert TypeAdapter(Moment).json_schema() == {"type": "string", "format": "date-time"}
    assert TypeAdapter(Day).json_schema() == {"type": "string", "format": "date"}
