"""Plans, made of what stands: nothing here touches a broker."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
import typer
from hypothesis import given, settings
from hypothesis import strategies as st

from conduit_contracts.programme import Contact, ForceRegistered, Mou, PartnerRegistered
from conduit_contracts.referral import LegalGround
from conduit_contracts.topics import FORCE, PARTNER, specs
from conduit_operate import onboarding
from conduit_operate.access import expected_rules, users_of
from conduit_operate.commands.partner import state_of
from conduit_operate.commands.taking_part import show
from conduit_operate.http_clients import AwayError, HttpClients, Secrets
from conduit_operate.onboarding import OnboardingError, merged_mous
from conduit_operate.plans import Plan, Standing, differences
from conduit_operate.quotas import PRODUCER

EMPTY = Standing(PARTNER, "abc", users=frozenset({"admin", "partner.abc-d"}))


def mou(reference: str = "MOU-1", *, suspended: bool = False, valid_to: date = date(2036, 1, 1)) -> Mou:
    return Mou(
        reference=reference,
        scope="Synthetic",
        signed_on=date(2026, 1, 1),
        valid_from=date(2026, 1, 1),
        valid_to=valid_to,
        review_on=valid_to,
        legal_ground=LegalGround.PUBLIC_TASK,
        suspended=suspended,
    )


ENTRY = PartnerRegistered(partner_id="abc", name="Synthetic", mous=(mou(), mou("MOU-2")))


def after(standing: Standing, plan: Plan) -> Standing:
    """What stands once the plan has been carried out."""
    quotas = {**standing.quotas, **{user: limits for user, limits in plan.quotas.items() if limits is not None}}
    return replace(
        standing,
        topics=standing.topics | {topic.name for topic in plan.topics},
        users=(standing.users | set(plan.users)) - set(plan.removed_users),
        rules=(standing.rules | set(plan.grants)) - set(plan.revokes),
        quotas={user: limits for user, limits in quotas.items() if plan.quotas.get(user, limits) is not None},
        entry=plan.entry or standing.entry,
        http=secrets_after(standing.http, plan),
    )


def secrets_after(before: Secrets, plan: Plan) -> Secrets:
    names = [*before, *(name for name in plan.http_made if name not in before)]
    made = {name: (f"{before[name][-1]}+" if before.get(name) else "first",) for name in plan.http_made}
    grown = {name: (*before.get(name, ()), *made.get(name, ())) for name in names}
    left = {name: tuple(each for each in found if (name, each) not in plan.http_ended) for name, found in grown.items()}
    return {name: found for name, found in left.items() if found}


ONBOARDED = after(EMPTY, onboarding.onboard(EMPTY, ENTRY))


def own_rules(standing: Standing) -> set[object]:
    everything = expected_rules(standing.topics, standing.users)
    return {rule for rule in everything if rule.name.startswith("partner.abc.")}


def test_onboarding_makes_users_before_topics_and_registers_last() -> None:
    steps = [(step.do, step.what) for step in onboarding.onboard(EMPTY, ENTRY).steps]
    assert steps[0] == ("make", "user")
    assert steps.index(("grant", "permission")) < steps.index(("make", "topic")) < steps.index(("publish", "entry"))


def test_what_stands_afterwards_is_what_is_expected() -> None:
    assert ONBOARDED.topics == {spec.name for spec in specs(("abc",), ()) if spec.name.startswith("partner.")}
    assert ONBOARDED.rules == own_rules(ONBOARDED)
    assert ONBOARDED.own_users == ["partner.abc"]
    assert ONBOARDED.entry == ENTRY.model_copy(update={"generation": 1})


VERBS = st.sampled_from(["onboard", "suspend", "wholly", "resume", "rotate", "finish", "offboard"])


def plan(verb: str, standing: Standing) -> Plan:
    if verb == "onboard":
        return onboarding.onboard(standing, standing.entry or ENTRY, http=("abc", "abc.sandbox"))
    if verb == "wholly":
        return onboarding.suspend(standing, wholly=True)
    acts = {"suspend": onboarding.suspend, "resume": onboarding.resume, "rotate": onboarding.rotate}
    acts |= {"finish": onboarding.finish_rotation, "offboard": onboarding.offboard}
    return acts[verb](standing)


@settings(deadline=None)
@given(st.lists(VERBS, max_size=12))
def test_whatever_is_done_in_whatever_order_permissions_stay_those_of_the_users_and_repeating_does_nothing(
    verbs: list[str],
) -> None:
    standing = EMPTY
    for verb in verbs:
        try:
            made = plan(verb, standing)
        except OnboardingError:
            continue
        standing = after(standing, made)
        assert standing.rules == own_rules(standing) or not standing.topics
        assert len(standing.own_users) <= 2
        assert all(len(secrets) <= 2 for secrets in standing.http.values())
        assert bool(standing.http) == bool(standing.own_users)
        if verb != "rotate":
            assert plan(verb, standing).steps == []


def test_a_broker_without_passwords_gets_topics_and_the_entry_alone() -> None:
    made = onboarding.onboard(replace(EMPTY, secured=False), ENTRY)
    assert {step.what for step in made.steps} == {"topic", "entry"}
    with pytest.raises(OnboardingError, match="needs no credentials on this broker"):
        onboarding.rotate(replace(EMPTY, secured=False, entry=ENTRY))


def test_where_kafka_asks_for_no_password_the_http_apis_secrets_are_rotated_alone() -> None:
    standing = replace(EMPTY, users=frozenset(), secured=False, http={"abc": ("one",)})
    rotated = onboarding.rotate(standing)
    assert (rotated.users, rotated.http_made) == ((), ("abc",))
    with pytest.raises(OnboardingError, match="--finish"):
        onboarding.rotate(after(standing, rotated))
    assert onboarding.finish_rotation(after(standing, rotated)).http_ended == (("abc", "one"),)


def test_a_quota_of_its_own_goes_with_the_credentials() -> None:
    standing = after(ONBOARDED, onboarding.onboard(ONBOARDED, ENTRY, {PRODUCER: 5_000.0}))
    rotated = after(standing, onboarding.rotate(standing))
    assert rotated.quotas == {user: {PRODUCER: 5_000.0} for user in ("partner.abc", "partner.abc.2")}
    assert after(rotated, onboarding.finish_rotation(rotated)).quotas == {"partner.abc.2": {PRODUCER: 5_000.0}}


def test_rotation_does_not_begin_twice() -> None:
    rotating = after(ONBOARDED, onboarding.rotate(ONBOARDED))
    assert rotating.own_users == ["partner.abc", "partner.abc.2"]
    with pytest.raises(OnboardingError, match="--finish"):
        onboarding.rotate(rotating)
    finished = after(rotating, onboarding.finish_rotation(rotating))
    assert finished.own_users == ["partner.abc.2"]
    assert users_of(PARTNER, "abc-d", finished.users) == ["partner.abc-d"]
    assert after(finished, onboarding.rotate(finished)).own_users == ["partner.abc.2", "partner.abc.3"]


def test_suspending_stops_new_referrals_and_leaves_the_partner_otherwise_as_it_was() -> None:
    entry = onboarding.suspend(ONBOARDED).entry
    assert isinstance(entry, PartnerRegistered)
    assert not entry.suspended
    assert [each.suspended for each in entry.mous] == [True, True]
    one = onboarding.suspend(ONBOARDED, "MOU-2").entry
    assert isinstance(one, PartnerRegistered)
    assert [each.suspended for each in one.mous] == [False, True]
    wholly = onboarding.suspend(ONBOARDED, wholly=True).entry
    assert isinstance(wholly, PartnerRegistered)
    assert wholly.suspended
    assert not any(each.suspended for each in wholly.mous)


def test_onboarding_again_does_not_lift_a_suspension() -> None:
    standing = after(ONBOARDED, onboarding.suspend(ONBOARDED))
    assert isinstance(standing.entry, PartnerRegistered)
    renewed = merged_mous({each.reference: each for each in standing.entry.mous}, [mou(valid_to=date(2046, 1, 1))])
    assert [(each.reference, each.valid_to.year, each.suspended) for each in renewed] == [
        ("MOU-1", 2046, True),
        ("MOU-2", 2036, True),
    ]


def test_offboarding_keeps_topics_and_the_services_access() -> None:
    made = onboarding.offboard(ONBOARDED)
    gone = after(ONBOARDED, made)
    assert gone.topics == ONBOARDED.topics
    assert gone.own_users == []
    assert {rule.principal for rule in gone.rules} == {"service.intake", "service.notification"}
    assert made.steps[0][:2] == ("publish", "entry")


def test_an_unknown_force_is_named_with_those_that_are_like_it() -> None:
    with pytest.raises(OnboardingError, match="is it surrey"):
        onboarding.onboard(Standing(FORCE, "surey"), ForceRegistered(force_id="surey"))


def test_a_plan_says_what_changes_in_the_register() -> None:
    changed = ENTRY.model_copy(update={"contact": Contact(email="a@b.example"), "mous": (mou(suspended=True), mou("MOU-2"))})
    assert differences(ENTRY, changed) == [
        "contact.email: (none) → a@b.example",
        "mous[MOU-1].suspended: False → True",
    ]


ACTS = st.lists(st.sampled_from(["onboard", "rotate", "finish", "offboard", "a damaged record"]), max_size=12)
DO: dict[str, Callable[[Standing], Plan]] = {
    "onboard": lambda now: onboarding.onboard(now, now.entry or ENTRY),
    "rotate": onboarding.rotate,
    "finish": onboarding.finish_rotation,
    "offboard": onboarding.offboard,
}


@settings(deadline=None)
@given(ACTS, st.booleans())
def test_no_user_name_is_ever_used_twice(acts: list[str], known_before: bool) -> None:
    """In whatever order things are done, also to a partner that an earlier release offboarded and wrote no number of."""
    standing = replace(EMPTY, entry=ENTRY if known_before else None)
    used = {"partner.abc", "partner.abc.2"} if known_before else set()
    for act in acts:
        if act == "a damaged record":
            standing = replace(standing, unreadable=True)
            continue
        try:
            made = DO[act](standing)
        except OnboardingError:
            continue
        assert not used & set(made.users)
        used |= set(made.users)
        standing = replace(after(standing, made), unreadable=standing.unreadable and made.entry is None)


def test_a_partner_whose_entry_cannot_be_read_can_be_shut_out_and_registered_again() -> None:
    damaged = replace(ONBOARDED, entry=None, unreadable=True)
    with pytest.raises(OnboardingError, match="no entry that can be read"):
        onboarding.suspend(damaged)
    shut_out = PartnerRegistered(partner_id="abc", name="abc", suspended=True, generation=1)
    assert onboarding.suspend(damaged, wholly=True).entry == shut_out
    gone = onboarding.offboard(damaged)
    assert (gone.removed_users, gone.entry) == (("partner.abc",), shut_out)
    again = onboarding.onboard(replace(ONBOARDED, unreadable=True), ONBOARDED.entry or ENTRY)
    assert [step.what for step in again.steps] == ["entry"]


AWAY = replace(after(EMPTY, onboarding.onboard(EMPTY, ENTRY, http=("abc",))), http={}, http_away=True)


def test_a_database_that_is_away_keeps_nobody_in_on_kafka() -> None:
    shut_out = onboarding.offboard(AWAY)
    assert shut_out.removed_users == ("partner.abc",)
    assert shut_out.revokes
    assert isinstance(shut_out.entry, PartnerRegistered)
    assert shut_out.entry.suspended
    assert shut_out.http_unknown, "what may be left is said"
    again = onboarding.offboard(replace(after(AWAY, shut_out), http={"abc": ("first",)}, http_away=False))
    assert [(step.do, step.what) for step in again.steps] == [("end", "HTTP secret")]
    changing = after(AWAY, onboarding.rotate(replace(AWAY, http_away=False)))
    finished = onboarding.finish_rotation(replace(changing, http_away=True))
    assert (finished.removed_users, finished.http_unknown) == (("partner.abc",), True)
    assert not onboarding.suspend(AWAY, wholly=True).http_unknown, "no credential is concerned"


@pytest.mark.parametrize(
    "act",
    [
        onboarding.rotate,
        lambda standing: onboarding.onboard(standing, ENTRY, http=("abc",)),
        lambda standing: onboarding.finish_rotation(replace(standing, users=frozenset())),
    ],
)
def test_what_needs_the_http_apis_clients_is_refused_in_a_line_while_they_cannot_be_asked_for(
    act: Callable[[Standing], Plan],
) -> None:
    with pytest.raises(OnboardingError, match=r"intake's database.*nothing was changed"):
        act(AWAY)


def test_a_database_that_is_away_is_told_as_that(tmp_path: Path) -> None:
    http = HttpClients("postgresql://intake:synthetic@127.0.0.1:1/intake", "", tmp_path)
    with pytest.raises(AwayError, match="cannot be reached"):
        http.live(PARTNER, "abc")


def notes_of(plan: Plan, tmp_path: Path, capsys: pytest.CaptureFixture[str], *, applied: bool) -> list[str]:
    show(plan, applied=applied, as_json=False, state_dir=tmp_path)
    return [line for line in capsys.readouterr().out.splitlines() if line.startswith("note: ")]


def test_what_would_come_of_a_plan_is_not_told_as_what_is(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    standing = after(EMPTY, onboarding.onboard(EMPTY, ENTRY))
    hooked = ENTRY.model_copy(update={"contact": Contact(webhook_url="https://abc.example/in", webhook_secret="abc")})
    for plan, would, does in (
        (onboarding.suspend(standing), "new referrals would be refused", "new referrals are refused"),
        (onboarding.rotate(standing), "the old credentials would work", "the old credentials work"),
        (onboarding.onboard(standing, hooked), "would be signed", "are signed"),
    ):
        (planned,), (done,) = (notes_of(plan, tmp_path, capsys, applied=applied) for applied in (False, True))
        assert (would in planned, does in planned) == (True, False)
        assert (would in done, does in done) == (False, True)


def test_a_force_that_no_notice_could_reach_is_noted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    kent = Standing(FORCE, "kent", users=frozenset({"admin"}))
    for contact, noted in (
        (Contact(), True),
        (Contact(telephone="+441632960147"), True),
        (Contact(email="a@x.example"), False),
    ):
        plan = onboarding.onboard(kent, ForceRegistered(force_id="kent", contact=contact))
        planned, done = (notes_of(plan, tmp_path, capsys, applied=applied) for applied in (False, True))
        assert [len(planned), len(done)] == [noted, noted]
        assert not noted or "would have to tell it by telephone" in planned[0]
        assert not noted or "a duty officer of the hub has to tell it by telephone" in done[0]


def test_what_already_stands_is_told_as_that_without_apply(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    standing = after(EMPTY, onboarding.onboard(EMPTY, ENTRY))
    suspended = after(standing, onboarding.suspend(standing))
    again = replace(onboarding.suspend(suspended), entry=suspended.entry)
    (note,) = notes_of(again, tmp_path, capsys, applied=False)
    assert "new referrals are refused" in note


def test_resuming_whoever_has_left_says_that_it_has_no_credentials(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    standing = after(EMPTY, onboarding.onboard(EMPTY, ENTRY))
    left = after(standing, onboarding.offboard(standing))
    (note,) = notes_of(onboarding.resume(left), tmp_path, capsys, applied=True)
    assert note == "note: abc has no credentials and cannot come in; `conduit partner onboard abc` makes new ones"
    suspended = after(standing, onboarding.suspend(standing))
    assert notes_of(onboarding.resume(suspended), tmp_path, capsys, applied=True) == []


@pytest.mark.parametrize(
    ("entry", "users", "secrets", "state"),
    [
        (ENTRY, frozenset(), {}, "taking part"),
        (ENTRY.model_copy(update={"suspended": True}), frozenset({"partner.abc"}), {}, "suspended"),
        (ENTRY.model_copy(update={"suspended": True}), frozenset({"partner.abc.2"}), {}, "suspended"),
        (ENTRY.model_copy(update={"suspended": True}), frozenset({"partner.abc-d"}), {"abc": ("1",)}, "suspended"),
        (ENTRY.model_copy(update={"suspended": True}), frozenset({"partner.abc-d"}), {}, "offboarded"),
        (ENTRY.model_copy(update={"suspended": True}), frozenset(), None, "suspended, without a user on Kafka"),
        (ENTRY.model_copy(update={"suspended": True}), None, {}, "suspended"),
    ],
)
def test_a_partner_that_has_left_is_told_from_one_that_is_suspended(
    entry: PartnerRegistered, users: frozenset[str] | None, secrets: Secrets | None, state: str
) -> None:
    assert state_of(entry, users, lambda _: secrets) == state


def test_who_was_shut_out_is_not_said_to_come_back_by_resume(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    standing = replace(AWAY, http_away=False)
    show(onboarding.offboard(standing), applied=True, as_json=False, state_dir=tmp_path)
    assert "resume" not in capsys.readouterr().out
    show(onboarding.suspend(standing, wholly=True), applied=True, as_json=False, state_dir=tmp_path)
    assert "resume abc" in capsys.readouterr().out
    with pytest.raises(typer.Exit) as ended:
        show(onboarding.offboard(AWAY), applied=True, as_json=False, state_dir=tmp_path)
    assert ended.value.exit_code == 1
    assert "partner.abc may still have some" in capsys.readouterr().err
