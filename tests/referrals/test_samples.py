"""The samples are what they say: numbered, complete, synthetic, and in or out of order exactly where they mean to be."""

import re
import shutil
import tomllib
from pathlib import Path

import pytest

from conduit_contracts import partner, topics
from conduit_contracts.envelope import Undecodable, decode
from conduit_contracts.geography import forces
from conduit_contracts.programme import PartnerRegistered
from conduit_local.demo.command import POLICY
from conduit_local.demo.records import partner_record
from conduit_local.demo.samples import (
    Sample,
    duty_contacts,
    folder,
    force_register,
    load_kinds,
    load_partners,
    load_samples,
    merge,
)
from conduit_local.services import POLICY_FILE, SAMPLE_PARTNERS

SAMPLES = load_samples()
ACCEPTED = {model.type: model for model in topics.PARTNER_REFERRALS.messages}
STEPS = [
    pytest.param(sample, index, id=f"{sample.number}.{index}")
    for sample in SAMPLES
    for index, step in enumerate(sample.case.steps)
    if step.send != "the same record"
]


def read(sample: Sample, index: int) -> list[str]:
    """What the edge makes of a record: its problems, in the samples' words."""
    wire = partner_record(sample, index, "TEST")
    try:
        decode(wire.headers, wire.value, ACCEPTED, closed=True)
    except Undecodable as error:
        return [f"{problem.code} at {problem.field}" for problem in error.problems]
    return []


def test_there_are_at_least_forty_and_their_numbers_run_from_one_without_gaps() -> None:
    assert len(SAMPLES) >= 40
    assert [sample.number for sample in SAMPLES] == [f"{number:03}" for number in range(1, len(SAMPLES) + 1)]


def test_names_are_unique() -> None:
    assert len({sample.name for sample in SAMPLES}) == len(SAMPLES)


def test_every_kind_of_event_has_a_case_and_no_case_covers_anything_else() -> None:
    kinds = load_kinds()
    assert len(set(kinds)) == len(kinds)
    assert {kind for sample in SAMPLES for kind in sample.case.covers} == set(kinds)


@pytest.mark.parametrize(("sample", "index"), STEPS)
def test_a_record_is_out_of_order_exactly_where_its_case_says_so(sample: Sample, index: int) -> None:
    step = sample.case.steps[index]
    problems = read(sample, index)
    assert bool(problems) == bool(step.misshapen or (step.damage and not step.damage.pad_to_bytes))
    assert set(problems) <= set(sample.case.expect.rejected)


def test_the_padded_record_is_in_order_but_for_its_size() -> None:
    (sample,) = (sample for sample in SAMPLES if "oversize" in sample.case.covers)
    value = partner_record(sample, 0, "TEST").value
    assert value is not None
    assert len(value) > 256 * 1024
    partner.ReferralSubmitted.model_validate_json(value)


def test_one_case_touches_every_territorial_force_of_england_and_wales() -> None:
    (sample,) = (sample for sample in SAMPLES if "43 forces" in sample.case.covers)
    wanted = {force.force_id for force in forces().values() if force.territorial and force.country in {"England", "Wales"}}
    assert len(wanted) == 43
    assert set(sample.case.expect.handoffs) == wanted


def test_forces_and_partners_are_ones_that_exist() -> None:
    for sample in SAMPLES:
        assert {*sample.case.expect.handoffs, *sample.case.forces} <= set(forces()), sample.number
    assert tuple(entry.partner_id for entry in load_partners()) == SAMPLE_PARTNERS
    assert {entry.force_id for entry in force_register()} == set(forces())
    rooms = [entry.control_room for entry in force_register()]
    assert len(set(rooms)) == len(rooms)
    assert None not in rooms


def test_the_hub_has_two_to_call_and_another_approved_them() -> None:
    proposal, approval = duty_contacts()
    assert len({each.email for each in proposal.contacts}) == len(proposal.contacts) >= 2
    assert all(each.telephone for each in proposal.contacts)
    assert (approval.proposal_id, approval.digest) == (proposal.proposal_id, proposal.digest)
    assert approval.approved_by != proposal.proposed_by


def test_the_register_has_a_lapsed_memorandum_a_suspended_partner_and_a_webhook() -> None:
    by_id: dict[str, PartnerRegistered] = {entry.partner_id: entry for entry in load_partners()}
    assert all(mou.valid_to.year < 2026 for mou in by_id["lanterns"].mous)
    assert by_id["stillwater"].suspended
    assert by_id["open-door"].contact.webhook_url


def test_every_address_ends_in_example() -> None:
    for file in folder().rglob("*.yaml"):
        assert all(found.endswith(".example") for found in re.findall(r"@([\w.-]+)", file.read_text())), file.name


def test_every_name_and_narrative_says_that_it_is_synthetic() -> None:
    assert all("synthetic" in text for sample in SAMPLES for text in sample.tokens.values())


def test_tokens_of_one_case_never_stand_in_those_of_another() -> None:
    texts = [(sample.number, text) for sample in SAMPLES for text in sample.tokens.values()]
    assert not [text for number, text in texts for other, longer in texts if number != other and text in longer]


def test_the_demo_policy_differs_from_the_policy_in_clocks_of_routine_cases_the_first_retry_and_the_wait_alone() -> None:
    policy, demo = (tomllib.loads(path.read_text(encoding="utf-8")) for path in (POLICY_FILE, POLICY))
    changed = {
        "version": "2026-11-30-demo",
        "intake": demo["intake"],
        "routing": {"clocks": {"routine": demo["routing"]["clocks"]["routine"]}},
        "notification": {"first_retry_seconds": demo["notification"]["first_retry_seconds"]},
    }
    assert demo == merge(policy, changed)


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    for name in ("base.yaml", "cases"):
        source = folder() / name
        (shutil.copytree if source.is_dir() else shutil.copy)(source, tmp_path / name)
    return tmp_path


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("steps:", "stepz:"),
        ("numbers:", "numberz:"),
        ("hidden:\n    essex: [narrative, person V1,", "hidden:\n    essex: [narrative, person V9,"),
        ("decision: accepted by rules", "decision: accepted by the rules"),
        ("kent: acknowledged", "kent: acknowledgedd"),
    ],
)
def test_a_misspelt_case_is_refused_by_name(copied: Path, before: str, after: str) -> None:
    file = copied / "cases" / "003-two-force-areas.yaml"
    text = file.read_text()
    assert before in text
    file.write_text(text.replace(before, after, 1))
    with pytest.raises(ValueError, match=r"^003-two-force-areas\.yaml: "):
        load_samples(copied)
