"""Every route by role, nobody's words before a view is noted, and another's answered as what does not exist."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from html import unescape
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest

from conduit_chassis.testing import Harness, ManualClock
from conduit_console import desk, opinions, wording
from conduit_console.deciding import DECISIONS
from conduit_console.opinions import AskedOpinion
from conduit_console.pages.front import ROUTERS
from conduit_console.queries import audit
from conduit_console.queries.case import case_at_hand
from conduit_contracts import routing, triage
from conduit_contracts.ids import uuid7
from conduit_contracts.meaning import hash_of_text
from conduit_contracts.notification import Channel
from conduit_contracts.referral import Referral
from conduit_contracts.triage import DeclineReason, ReviewReason
from conduit_web.access import RULES, Action
from conduit_web.desk import actions
from conduit_web.people import Organisation, Role
from services.console.tests import anew
from services.console.tests import builders as b
from services.console.tests.builders import CANARY, NOW, REFERRAL
from services.console.tests.pages import ANNA, BEN, SUE, Enter, Register, all_read, console_app
from services.web.tests.browser import URL, Browser
from services.web.tests.crafted import ISSUER
from services.web.tests.test_pages import Pseudo, Words

TABLE = Path(__file__).with_name("routes.md")
RESTRICTED = uuid7(NOW + timedelta(seconds=1))
ROLES = [role for role in Role if role.organisation is Organisation.HUB]


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(datetime.now(UTC))


@pytest.fixture
async def held(console: Harness) -> Harness:
    await console.deliver(
        *b.records(
            b.received(),
            b.review_opened(),
            b.received(RESTRICTED, reference="EH-2026-0151"),
            b.fact(routing.CaseRestricted, RESTRICTED, kept_from=["kent"]),
            b.fact(routing.RoutingReviewOpened, RESTRICTED, reasons=["no_force"]),
        )
    )
    return console


def token_of(text: str) -> str:
    return re.findall(r'name="form_token" value="([^"]+)"', text)[0]


def unmarked(text: str) -> str:
    """What of a text is in no marked word, without the signs between words."""
    depth, left = 0, ""
    for letter in text:
        depth += {"⟦": 1, "⟧": -1}.get(letter, 0)
        left += letter if depth == 0 and letter not in "⟧:;,\u2013" else ""
    return left.strip()


def table() -> str:
    """Every route, what it does, and who of the hub's people may."""
    lines = [
        "# The console's routes, and who may use them",
        "",
        "Reviewed as text; a test holds it equal to the code. A role that is not named may not. On a restricted case only",
        "the officers named for it act, and who broke the glass looks.",
        "",
        "| method | path | does | who |",
        "|---|---|---|---|",
    ]
    for (method, path), action in sorted(actions(*ROUTERS).items(), key=lambda each: (each[0][1], each[0][0])):
        rule = RULES[action]
        who = ["everybody"] if rule.anonymous else [role.value for role in ROLES if role in rule.reach]
        shown = ["all of the hub"] if len(who) == len(ROLES) else who
        lines.append(f"| {method} | {path} | {action.value} | {', '.join(shown)}{'; fresh sign-in' if rule.fresh else ''} |")
    return "\n".join(lines) + "\n"


def test_every_route_has_a_reviewed_row() -> None:
    assert TABLE.read_text(encoding="utf-8") == table()


async def test_nobody_comes_to_any_route_without_signing_in(
    held: Harness, clock: ManualClock, abroad: httpx.AsyncClient
) -> None:
    browser = Browser(console_app(held, clock, Register.of(ISSUER), abroad, ISSUER, URL), abroad)
    for method, path in actions(*ROUTERS):
        address = path.replace("{case_id}", str(REFERRAL)).replace("{whose}", "mine")
        for name in ("{command_id}", "{task_id}", "{opinion_id}", "{attachment_id}"):
            address = address.replace(name, str(REFERRAL))
        answer = await (browser.get(address) if method == "GET" else browser.post(address, {}))
        assert answer.status_code == (303 if method == "GET" else 401), path
        assert CANARY not in answer.text


@pytest.mark.parametrize(
    ("who", "first", "refused"),
    [
        ("anna", "/asked", ["/officers", "/trail"]),
        ("sue", "/asked", []),
        ("audrey", "/trail", ["/asked", "/cases", f"/cases/{REFERRAL}", f"/cases/{REFERRAL}/glass", "/search", "/officers"]),
        ("lena", "", ["/asked", "/cases", f"/cases/{REFERRAL}", "/trail", "/officers"]),
    ],
)
async def test_each_role_comes_to_its_own_first_page_and_to_no_other_roles(
    enter: Enter, who: str, first: str, refused: list[str]
) -> None:
    browser = await enter(who)
    answer = await browser.get("/")
    assert answer.headers.get("location", "") == first
    for path in refused:
        answer = await browser.get(path)
        assert (answer.status_code, CANARY in answer.text) == (403, False), path


async def test_a_view_is_in_the_trail_and_what_was_sent_is_on_the_page(enter: Enter, held: Harness) -> None:
    text = (await (await enter("anna")).get(f"/cases/{REFERRAL}")).text
    assert CANARY in text
    async with held.pool.acquire() as connection:
        rows = (await audit.acts(connection)).rows
    assert [(row.officer_id, row.what, row.referral_id) for row in rows] == [(ANNA, "viewed_case", REFERRAL)]


async def test_what_was_sent_stands_whole_on_the_page_with_the_hash_that_its_partner_finds(
    enter: Enter, held: Harness
) -> None:
    sent = b.received().referral
    await held.deliver(*b.records(more := b.supplied(), start=datetime.now(UTC)))
    text = (await (await enter("anna")).get(f"/cases/{REFERRAL}")).text
    for told in (sent, more.supplement):
        assert hash_of_text(told.model_dump_json(exclude_none=True).encode()) in text
    whole = unescape(re.findall(r'<pre class="desk-record">(.*?)</pre>', text, re.DOTALL)[0])
    assert Referral.model_validate_json(whole) == sent


async def test_an_officer_sees_triages_numbers_and_where_the_case_would_go(enter: Enter, held: Harness) -> None:
    opened = b.review_opened()
    assert opened.assessment
    text = (await (await enter("anna")).get(f"/cases/{REFERRAL}")).text
    assert f"by policy {opened.policy_version}" in text
    for each in opened.assessment.grounds:
        assert f'data-label="Needed" class="govuk-table__cell">{each.at_least}<' in text
    assert "Where it would go" in text
    assert "would lead" in text
    assert "would get its part by the rules" in text
    await held.deliver(*b.records(b.accepted(), b.routed("kent"), start=datetime.now(UTC)))
    text = (await (await enter("anna")).get(f"/cases/{REFERRAL}")).text
    assert ("Where it is" in text, "would lead" in text) == (True, False)


async def test_of_a_case_that_rules_accepted_an_officer_sees_by_which_numbers(enter: Enter, held: Harness) -> None:
    nobody_asked, assessment = uuid7(), b.review_opened().assessment
    assert assessment
    by_rules = {"assessment": assessment.model_dump(mode="json"), "decided_by": {"kind": "rules"}}
    accepted = b.fact(triage.ReferralAccepted, nobody_asked, policy_version="of-rules", **by_rules)
    told = (b.received(nobody_asked, reference="EH-2026-0152"), accepted, b.routed("kent", referral_id=nobody_asked))
    await held.deliver(*b.records(*told, start=datetime.now(UTC)))
    text = (await (await enter("anna")).get(f"/cases/{nobody_asked}")).text
    assert re.search(r"Grounds, as triage counted them on [^<]+ by policy of-rules", text)
    for each in assessment.grounds:
        assert f'data-label="Known" class="govuk-table__cell">{each.known}<' in text


async def test_the_map_and_the_list_beside_it_name_the_same_forces(enter: Enter, held: Harness) -> None:
    await held.deliver(*b.records(b.routed("kent", "btp"), start=datetime.now(UTC)))
    text = (await (await enter("anna")).get(f"/cases/{REFERRAL}")).text
    (picture,) = re.findall(r'<svg class="desk-map__picture".*?</svg>', text, re.DOTALL)
    beside = text.split("desk-map__forces")[1]
    listed = re.findall(r"<strong>([^<]+)</strong>", beside.split("</ul>")[0])
    assert listed == ["Kent Police", "British Transport Police"]
    assert re.findall(r"<text[^>]*>(\d+)</text>", picture) == ["1"], "one has no area"
    assert "has no area, so it is not on the map" in beside
    assert 'aria-hidden="true"' in picture
    assert " style=" not in text


async def test_what_was_added_since_the_officer_was_away_is_marked(enter: Enter, held: Harness, clock: ManualClock) -> None:
    anna = await enter("anna")
    assert "New since you looked" not in (await anna.get(f"/cases/{REFERRAL}")).text
    await held.deliver(*b.records(b.supplied(), start=clock.now()))
    clock.advance(timedelta(minutes=10))
    for _ in range(2):
        text = (await anna.get(f"/cases/{REFERRAL}")).text
        assert "New since you looked" in text
        assert text.count("new to you") == 2, "in what was sent, and in what happened"
        (event,) = re.findall(r'href="#added-([^"]+)"', text)
        assert f'id="added-{event}"' in text
    clock.advance(timedelta(minutes=10))
    assert "new to you" not in (await anna.get(f"/cases/{REFERRAL}")).text


async def test_where_a_view_cannot_be_noted_nothing_is_shown(
    enter: Enter, held: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser = await enter("anna")

    async def fails(*_: object) -> None:
        raise ConnectionError

    monkeypatch.setattr(desk, "note", fails)
    answer = await browser.get(f"/cases/{REFERRAL}")
    assert (answer.status_code, CANARY in answer.text) == (503, False)


async def test_lists_hold_nothing_that_people_wrote(enter: Enter) -> None:
    browser = await enter("sue")
    lists = ("/asked", "/asked/everybody", "/without-force", "/silent", "/cases", "/search?q=EH-", "/officers", "/trail")
    lists += ("/duties", "/opinions")
    for path in lists:
        answer = await browser.get(path)
        assert (answer.status_code, CANARY in answer.text) == (200, False), path


@pytest.mark.parametrize("path", ["/cases/{}", "/cases/{}/timeline", "/cases/{}/glass"])
async def test_what_does_not_exist_is_missing_whatever_is_asked_of_it(enter: Enter, path: str) -> None:
    browser = await enter("anna")
    for case_id in (uuid7(), "1", "00000000-0000-0000-0000-000000000000"):
        assert (await browser.get(path.format(case_id))).status_code == 404


async def test_a_restricted_case_is_shown_to_nobody_who_is_not_named(
    enter: Enter, held: Harness, clock: ManualClock
) -> None:
    anna = await enter("anna")
    answer = await anna.get(f"/cases/{RESTRICTED}")
    assert (answer.status_code, CANARY in answer.text) == (403, False)
    token = token_of((await anna.get("/sessions")).text)
    for act in ("claim", "hand-back"):
        refused = await anna.post(f"/cases/{RESTRICTED}/{act}", {"form_token": token})
        assert refused.status_code == 403, "who may not look does not act"
    sue = await enter("sue")
    token = token_of((await sue.get("/asked")).text)
    named = await sue.post(f"/cases/{RESTRICTED}/name-officer", {"form_token": token, "officer": ANNA})
    assert named.status_code == 303
    assert CANARY in (await anna.get(f"/cases/{RESTRICTED}")).text


async def test_a_supervisor_opens_a_restricted_case_to_others_and_never_to_themselves(enter: Enter, held: Harness) -> None:
    sue = await enter("sue")
    shut = await sue.get(f"/cases/{RESTRICTED}")
    assert (shut.status_code, CANARY in shut.text) == (403, False)
    assert re.findall(r'<option value="([^"]+)"', shut.text) == [ANNA, BEN], "no glass is broken to open it to another"
    token = token_of(shut.text)
    oneself = await sue.post(f"/cases/{RESTRICTED}/name-officer", {"form_token": token, "officer": SUE})
    assert oneself.status_code == 400
    assert "You cannot open it to yourself. Ask another supervisor, or open it with a reason." in oneself.text
    assert (await sue.get(f"/cases/{RESTRICTED}")).status_code == 403
    other = await sue.post(f"/cases/{RESTRICTED}/name-officer", {"form_token": token, "officer": ANNA})
    assert other.status_code == 303
    shut = await sue.get(other.headers["location"])
    assert (shut.status_code, "It is open to: Triage officer, days." in shut.text) == (403, True)
    assert "Open it to them" not in (await (await enter("ben")).get(f"/cases/{RESTRICTED}")).text


async def test_who_breaks_the_glass_says_why_looks_for_an_hour_and_does_no_more(
    enter: Enter, held: Harness, clock: ManualClock
) -> None:
    ben = await enter("ben")
    token = token_of((await ben.get(f"/cases/{RESTRICTED}/glass")).text)
    assert (await ben.post(f"/cases/{RESTRICTED}/glass", {"form_token": token, "why": "curious"})).status_code == 400
    assert (await ben.get(f"/cases/{RESTRICTED}")).status_code == 403
    broken = await ben.post(f"/cases/{RESTRICTED}/glass", {"form_token": token, "why": "child_at_risk"})
    assert broken.status_code == 303
    assert CANARY in (await ben.get(f"/cases/{RESTRICTED}")).text
    assert (await ben.post(f"/cases/{RESTRICTED}/claim", {"form_token": token})).status_code == 403
    assert "Somebody opened a restricted case" in (await (await enter("sue")).get("/asked")).text
    for _ in range(7):
        clock.advance(timedelta(minutes=9))
        answer = await ben.get(f"/cases/{RESTRICTED}")
    assert (answer.status_code, CANARY in answer.text) == (403, False)


@pytest.mark.parametrize("page", ["", "/decline", "/files", "/opinions/ask"])
async def test_a_request_reads_its_case_once(
    enter: Enter, held: Harness, clock: ManualClock, monkeypatch: pytest.MonkeyPatch, page: str
) -> None:
    await all_read(held, clock)
    anna, times = await enter("anna"), list[UUID]()

    async def counted(connection: Any, case_id: UUID, *more: Any) -> Any:
        times.append(case_id)
        return await case_at_hand(connection, case_id, *more)

    monkeypatch.setattr("conduit_console.pages.at_desk.case_at_hand", counted)
    answer = await anna.get(f"/cases/{REFERRAL}{page}?seen=0")
    assert (answer.status_code, times) == (200, [REFERRAL])


async def test_two_officers_who_take_a_case_at_once_see_who_has_it(enter: Enter, held: Harness) -> None:
    anna, ben = await enter("anna"), await enter("ben")
    for browser in (anna, ben):
        token = token_of((await browser.get(f"/cases/{REFERRAL}")).text)
        assert (await browser.post(f"/cases/{REFERRAL}/claim", {"form_token": token})).status_code == 303
    assert "It is in your hands." in (await anna.get(f"/cases/{REFERRAL}")).text
    text = (await ben.get(f"/cases/{REFERRAL}")).text
    assert "It is in the hands of Triage officer, days." in text
    assert "Somebody else is reading this:" in text


async def test_a_supervisor_gives_a_case_to_an_officer_of_the_register_and_to_nobody_else(
    enter: Enter, held: Harness, clock: ManualClock
) -> None:
    await desk.claim(held.pool, REFERRAL, ANNA, clock.now())
    sue = await enter("sue")
    token = token_of((await sue.get("/officers")).text)
    for officer, status in (("p-9999999999999999", 403), ("p-0000000000000004", 403), (BEN, 303)):
        answer = await sue.post(f"/cases/{REFERRAL}/reassign", {"form_token": token, "officer": officer})
        assert answer.status_code == status, "an auditor decides nothing"
    async with held.pool.acquire() as connection:
        (row,) = (await audit.who_has_what(connection)).rows
    assert row.officer_id == BEN


async def test_who_has_left_or_has_not_come_yet_is_offered_nowhere_and_given_nothing(
    enter: Enter, held: Harness, clock: ManualClock
) -> None:
    register, moment = Register.of(ISSUER), clock.now()
    for subject, change in (("ben", {"valid_to": moment}), ("anna", {"valid_from": moment + timedelta(days=1)})):
        person = register.known[ISSUER, subject]
        register.known[ISSUER, subject] = person.model_copy(update=change)
    await desk.claim(held.pool, REFERRAL, BEN, moment)
    await desk.name_officer(held.pool, RESTRICTED, SUE, "another", moment)
    sue = await enter("sue", register=register)
    for path in ("/officers", f"/cases/{RESTRICTED}", f"/cases/{REFERRAL}/opinions/ask"):
        text = (await sue.get(path)).text
        assert not re.search(f'<option value="({ANNA}|{BEN})"', text), path
    assert "Triage officer, nights" in (await sue.get("/officers")).text, "who has a case is said all the same"
    token = token_of(text)
    for path, form in (("reassign", {"officer": BEN}), ("name-officer", {"officer": BEN}), ("opinions/ask", {"of": BEN})):
        assert (await sue.post(f"/cases/{REFERRAL}/{path}", {"form_token": token, **form})).status_code == 403, path


async def test_a_list_of_cases_is_narrowed_as_last_time(enter: Enter) -> None:
    anna = await enter("anna")
    assert "EH-2026-0147" in (await anna.get("/cases")).text
    assert "There are no such cases." in (await anna.get("/cases?narrow=1&state=declined")).text
    assert "There are no such cases." in (await anna.get("/cases")).text
    assert "EH-2026-0147" in (await anna.get("/cases?narrow=1")).text
    assert "There is a problem" in (await anna.get("/cases?narrow=1&force=kent&partner=x")).text


async def test_one_that_is_found_by_its_reference_is_opened(enter: Enter) -> None:
    anna = await enter("anna")
    assert (await anna.get("/search?q=eh-2026-0147")).headers["location"] == f"/cases/{REFERRAL}"
    assert "EH-2026-0151" in (await anna.get("/search?q=EH-")).text


@pytest.mark.parametrize("too_short", ["EH", " zz ", "%00"])
async def test_a_search_that_finds_nothing_says_why(enter: Enter, too_short: str) -> None:
    anna = await enter("anna")
    short, nothing = "Give at least three characters.", "No reference begins like this."
    text = (await anna.get(f"/search?q={too_short}")).text
    assert (short in text, nothing in text) == (True, False)
    for sought in ("zzz", "E" * 3_000, "EH-2026-0147" + "x" * 3_000):
        text = (await anna.get(f"/search?q={sought}")).text
        assert (short in text, nothing in text) == (False, True)


async def test_a_failed_notice_is_said_in_words(enter: Enter, held: Harness) -> None:
    failed = b.notice_failed(7).model_copy(update={"channel": Channel.WEBHOOK, "code": "http_gone"})
    await held.deliver(*b.records(failed, failed.model_copy(update={"notice_id": uuid7(), "audience": "hub:"})))
    page = (await (await enter("anna")).get(f"/cases/{REFERRAL}")).text
    text = page.partition("Notices that failed")[2].partition("</table>")[0]
    for words in ("the force West Midlands Police", "the hub", "a call to its system", "its system wants no more of them"):
        assert words in text, words
    assert "force:" not in text


async def test_words_stand_in_the_catalogues_and_nowhere_else(enter: Enter, held: Harness) -> None:
    from conduit_console.pages.at_desk import ConsolePages
    from conduit_console.pages.front import FOLDER, NAVIGATION

    pages = ConsolePages("Console", navigation=NAVIGATION, templates=FOLDER / "templates", languages={"en-GB": Pseudo()})
    sue = await enter("sue", pages=pages)
    shown = ("/asked", "/cases", f"/cases/{REFERRAL}", "/officers", "/trail", f"/cases/{RESTRICTED}/glass", "/search?q=z")
    shown += (f"/cases/{REFERRAL}/files", f"/cases/{REFERRAL}/timeline")
    shown += tuple(f"/cases/{REFERRAL}/{each.path}?seen=1" for each in DECISIONS)
    await held.deliver(*b.records(b.duty(1, danger=True), b.duty(2)))
    asked = AskedOpinion(uuid7(), REFERRAL, "decline", ANNA, None, "Synthetic question.", "{}")
    await opinions.ask(held.pool, asked, NOW)
    shown += ("/duties", f"/duties/{UUID(int=1)}", "/opinions", f"/cases/{REFERRAL}/opinions/ask")
    shown += (f"/cases/{REFERRAL}/opinions/{asked.opinion_id}",)
    held_by_data = re.compile(
        r'<(select|dd|td|th(?= data-label)|li(?= class="desk-long")|strong(?=>)|code|pre)\b.*?</\1>',
        re.DOTALL,
    )
    data = re.compile(
        r"!|[\d/:., ()-]+|EH-2026-\d+|example-haven|[0-9a-f-]{36}|.*Synthetic.*|Supervisor|:|;|\u2013|Triage officer, .*"
    )
    for path in shown:
        text = held_by_data.sub("", (await sue.get(path)).text)
        outside = [each for each in map(unmarked, Words(text).found) if each and not data.fullmatch(each)]
        assert outside == [], path


def test_every_code_that_an_officer_meets_has_words() -> None:
    assert {each.value for each in ReviewReason} <= wording.REASONS.keys()
    assert {each.value for each in DeclineReason} <= wording.REASONS.keys()
    assert {each.value for each in routing.RoutingReviewReason} <= wording.REASONS.keys()
    assert {each.value for each in routing.HandoffState} == wording.HANDOFFS.keys()


def test_every_action_that_a_route_names_is_asked_of_the_right_case() -> None:
    about_cases = {path for (_, path) in actions(*ROUTERS) if "{case_id}" in path}
    assert {action for (_, path), action in actions(*ROUTERS).items() if path in about_cases} <= {
        Action.VIEW_CASE,
        Action.CLAIM_REVIEW,
        Action.BREAK_GLASS,
        Action.REASSIGN,
        Action.NAME_OFFICERS,
        Action.WRITE_DECISION,
        Action.ASK_SECOND_OPINION,
        Action.GIVE_SECOND_OPINION,
        Action.FETCH_ATTACHMENT,
        *(each.action for each in DECISIONS),
    }


async def test_while_the_console_is_rebuilt_every_list_says_that_it_is_incomplete(enter: Enter, held: Harness) -> None:
    browser = await enter("sue")
    assert "being rebuilt" not in (await browser.get("/asked")).text
    await anew.empty(held)
    for path in ("/asked", "/cases", "/without-force", "/silent", "/duties"):
        answer = await browser.get(path)
        assert (answer.status_code, "but incomplete: this is being rebuilt" in answer.text) == (200, True), path


async def test_a_case_whose_words_did_not_come_back_is_shown_without_them(enter: Enter, held: Harness) -> None:
    await held.pool.execute("DELETE FROM contents")
    anna = await enter("anna")
    answer = await anna.get(f"/cases/{REFERRAL}")
    assert (answer.status_code, CANARY in answer.text) == (200, False)
    assert "what the partner wrote was not brought back" in answer.text
    assert "has not reached the console yet" not in answer.text
    await held.pool.execute("UPDATE cases SET received_at = NULL")
    assert "has not reached the console yet" in (await anna.get(f"/cases/{REFERRAL}")).text
