"""What rules make of a case, for who decides: triage's own numbers first, and where it would go by routing's own rules."""

import json
from pathlib import Path
from typing import Any

import pytest

from conduit_console.cases import FollowedCase
from conduit_console.grounds import ShownPolicy, read_shown_policy
from conduit_console.judged import Judged, judge
from conduit_contracts import intake, routing, triage
from conduit_contracts.envelope import Message
from conduit_contracts.persons import Pseudonymous
from conduit_contracts.referral import Ground, Numbers, OffencePlace, Person, Referral, Role, Supplement
from conduit_local.services import POLICY_FILE
from services.console.tests import builders as b
from services.console.tests.builders import NOW
from services.console.tests.pages import shown_policy

TODAY = NOW.date()
KENT, ESSEX = "E07000112", "E07000076"
"""Folkestone and Hythe; Tendring."""
SAID = {"grounds": [{"ground": "number_of_victims", "known": 4, "at_least": 9}]}


@pytest.fixture
def policy() -> ShownPolicy:
    return shown_policy()


def referral(*districts: str, **more: Any) -> Referral:
    given = json.loads((b.EXAMPLES / "uk.conduit.intake.referral-received.v1.json").read_text(encoding="utf-8"))
    value = given["value"]["referral"] | {"places": [], "persons": [], "claims": []}
    made = Referral.model_validate_json(json.dumps(value))
    places = tuple(OffencePlace(place_id=f"L{number}", district_code=code) for number, code in enumerate(districts, 1))
    return made.model_copy(update={"places": places, "numbers": Numbers(victims_known=4), **more})


def supplement(**more: Any) -> Supplement:
    return Supplement(partner_id=b.PARTNER, partner_reference=b.REFERENCE, text="Synthetic: more.", supplied_at=NOW, **more)


def case(*said: Message) -> FollowedCase:
    return b.case_of(b.received(), *said)


def judged(policy: ShownPolicy, *said: Message, sent: Referral | None = None, added: tuple[Supplement, ...] = ()) -> Judged:
    return judge(case(*said), sent or referral(KENT), added, policy, TODAY)


def test_the_numbers_are_those_that_triage_counted_by_its_own_policy(policy: ShownPolicy) -> None:
    opened = b.review_opened().model_copy(update={"policy_version": "of-triage"})
    opened = opened.model_copy(update={"assessment": triage.ReviewAssessment.model_validate_json(json.dumps(SAID))})
    found = judged(policy, opened, added=(supplement(numbers=Numbers(victims_known=6)),))
    (ground,) = found.grounds
    assert (ground.known, ground.at_least, ground.is_met, ground.known_now) == (4, 9, False, 6)
    assert (found.policy_version, found.is_outdated) == ("of-triage", True)
    assert not ground.is_met_by_now
    (ground,) = judged(policy, opened, added=(supplement(numbers=Numbers(victims_known=9)),)).grounds
    assert (ground.is_met, ground.is_met_by_now) == (False, True)
    assert found.counted_at is not None
    assert found.numbers.victims_known == 6


def test_where_triage_said_no_numbers_they_are_counted_by_the_same_function(policy: ShownPolicy) -> None:
    said = b.review_opened().model_copy(update={"assessment": None})
    found = judged(policy, said)
    assert [(each.ground, each.known, each.at_least) for each in found.grounds] == [
        (Ground.NUMBER_OF_VICTIMS, 4, policy.victims_at_least),
        (Ground.NUMBER_OF_SUSPECTS, 0, policy.suspects_at_least),
        (Ground.NUMBER_OF_FORCE_AREAS, 1, policy.force_areas_at_least),
    ]
    assert (found.policy_version, found.counted_at, found.is_outdated) == (policy.version, None, False)


def test_it_would_go_to_the_forces_of_its_places_and_the_rules_say_who_leads(policy: ShownPolicy) -> None:
    would = judged(policy, sent=referral(KENT, KENT, ESSEX)).would
    assert would
    assert (set(would.forces), would.home) == ({"kent", "essex"}, "kent")
    assert would.basis is routing.HomeForceBasis.MOST_OFFENCE_PLACES
    tie = judged(policy, sent=referral(KENT, ESSEX)).would
    assert tie
    assert (tie.home, tie.unsettled) == (None, routing.RoutingReviewReason.TIE)
    more = judged(policy, sent=referral(KENT), added=(supplement(places=referral(ESSEX, ESSEX).places, corrects=True),))
    assert more.would
    assert more.would.home == "essex", "what was added counts"


def test_no_rule_would_send_it_to_the_force_of_a_suspect_and_the_policys_switch_is_asked(policy: ShownPolicy) -> None:
    suspect = Person(
        person_id="P1",
        role=Role.SUSPECT,
        identity=Pseudonymous(pseudonym="A"),
        suspect_is_police=True,
        suspect_force_id="kent",
    )
    sent = referral(KENT, KENT, ESSEX, persons=(suspect,))
    kept = judged(policy, sent=sent).would
    assert kept
    assert (kept.forces, kept.home) == (("essex",), None)
    off = policy.safeguarding.model_copy(update={"police_suspects_restrict": False})
    would = judged(policy.model_copy(update={"safeguarding": off}), sent=sent).would
    assert would
    assert would.home == "kent"


def test_once_routing_has_sent_it_or_it_goes_nowhere_nothing_is_foretold(policy: ShownPolicy) -> None:
    provisional = judged(policy, b.routed("kent", provisional=True), sent=referral(KENT, ESSEX))
    assert provisional.would, "others join when triage accepts"
    for said in (b.routed("kent"), b.declined(), b.fact(intake.ReferralWithdrawn)):
        assert judged(policy, said).would is None


def test_the_policys_switches_are_read_from_routings_own_section(tmp_path: Path, policy: ShownPolicy) -> None:
    text = POLICY_FILE.read_text(encoding="utf-8")
    changed = tmp_path / "policy.toml"
    changed.write_text(text.replace("police_suspects_restrict = true", "police_suspects_restrict = false"), encoding="utf-8")
    assert policy.safeguarding.police_suspects_restrict
    assert not read_shown_policy(changed).safeguarding.police_suspects_restrict
