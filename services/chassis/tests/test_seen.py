"""What an officer had not seen is news, whatever clocks say; what an officer saw is not, once it is a little old."""

from datetime import UTC, datetime, timedelta, timezone
from typing import NamedTuple

from hypothesis import given
from hypothesis import strategies as st

from conduit_chassis.seen import MARGIN, PastLine, Unseen, is_dated, unseen
from conduit_contracts.times import EARLIEST, LATEST

START = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
OWN = "officer:a"


class Given(NamedTuple):
    """What a command says of the page."""

    seen_version: int | None = None
    seen_until: datetime | None = None


def second(number: float) -> datetime:
    return START + timedelta(seconds=number)


RECORDED = second(1_000)


def news(command: Given, lines: list[PastLine], recorded_at: datetime = RECORDED) -> Unseen:
    return unseen(command, recorded_at, lines, {OWN})


LINES = [PastLine("rules", "opened", second(0)), PastLine("partner:p", "added", second(60))]


def test_what_is_older_than_the_page_by_more_than_the_margin_was_seen() -> None:
    edge = second(60) + MARGIN
    assert news(Given(seen_until=edge + timedelta(milliseconds=1)), LINES) == Unseen(2)
    assert news(Given(seen_until=edge), LINES) == Unseen(1, ("added",))
    assert news(Given(seen_until=second(70)), LINES).changes == (), "ten seconds are no news"


def test_a_service_whose_clock_is_behind_by_what_wakes_nobody_has_nothing_overlooked() -> None:
    learned_at = second(100)
    behind = PastLine("force:kent", "acknowledged", learned_at - timedelta(seconds=4.9))
    assert news(Given(seen_until=learned_at), [*LINES, behind]).changes == ("acknowledged",)


def test_what_the_batch_did_is_news_however_far_the_clock_is_behind() -> None:
    assert news(Given(seen_until=second(900)), [*LINES, PastLine("rules", "danger_raised")]) == Unseen(2, ("danger_raised",))


def test_a_page_from_the_future_proves_nothing_but_for_what_clocks_may_differ() -> None:
    recorded = second(1_000)
    assert news(Given(seen_until=recorded + MARGIN), LINES, recorded).changes == ()
    ahead = Given(seen_until=recorded + MARGIN + timedelta(milliseconds=1))
    assert news(ahead, LINES, recorded) == Unseen(0, ("opened", "added"))
    assert news(Given(seen_until=LATEST), LINES, recorded).changes == ("opened", "added")
    assert news(Given(seen_until=EARLIEST.astimezone(timezone(timedelta(hours=14)))), LINES).changes == ("opened", "added")


def test_after_a_line_that_is_news_all_are_although_the_clock_was_set_back() -> None:
    lines = [*LINES, PastLine("rules", "raised", second(30))]
    assert news(Given(seen_until=second(50)), lines).changes == ("added", "raised")


def test_the_version_that_is_told_is_the_officers_own_where_the_officer_gave_one() -> None:
    assert news(Given(2, second(50)), LINES) == Unseen(2, ("added",))
    assert news(Given(1, second(900)), LINES) == Unseen(1, ("added",))


LINE = st.tuples(st.sampled_from([OWN, "rules", "officer:b"]), st.sampled_from("abcd"), st.integers(0, 300) | st.none())
HISTORY = st.lists(
    LINE.map(lambda each: PastLine(each[0], each[1], None if each[2] is None else second(each[2]))), max_size=8
)
UNTIL = st.none() | st.integers(-50, 2_000).map(second)
COMMAND = st.builds(Given, st.none() | st.integers(0, 12), UNTIL)


@given(COMMAND, HISTORY)
def test_nothing_that_is_later_than_the_page_is_overlooked_and_nothing_own_is_news(
    command: Given, lines: list[PastLine]
) -> None:
    found = news(command, lines)
    others = [line for line in lines if line.actor != OWN]
    assert set(found.changes) <= {line.what for line in others}
    if command.seen_until is not None:
        later = {line.what for line in others if line.at is None or line.at > command.seen_until}
        assert later <= set(found.changes)
    if not is_dated(command):
        assert found == Unseen()


@given(COMMAND, HISTORY)
def test_either_that_is_given_makes_news(command: Given, lines: list[PastLine]) -> None:
    apart = [news(Given(seen_version=command.seen_version), lines), news(Given(seen_until=command.seen_until), lines)]
    assert set(news(command, lines).changes) == {what for each in apart for what in each.changes}


@given(st.integers(0, 300), st.integers(0, 300), HISTORY)
def test_a_newer_page_never_makes_more_news(one: int, other: int, lines: list[PastLine]) -> None:
    earlier, later = (news(Given(seen_until=second(each)), lines) for each in sorted((one, other)))
    assert set(later.changes) <= set(earlier.changes)
    assert later.version >= earlier.version
