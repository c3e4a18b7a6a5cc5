"""The conformance kit for partners: it passes what is right, and names each thing that is wrong."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from conduit_conformance.partner_run import run_partner
from conduit_conformance.subject import Subject
from conduit_conformance.verdict import Outcome, Verdict
from conduit_operate.broker import Broker
from deploy.conformance.tests.faulty_partner import FaultyPartner
from tests.kits.broker import Hub
from tests.kits.samples import CANARY

SECONDS = 20


class InProcess(Subject):
    """A sender that runs in this process; `over` says that it has done all it does."""

    over = False

    @property
    def has_ended(self) -> bool:
        return self.over


async def verdict_on(hub: Hub, tmp_path: Path, fault: str) -> Verdict:
    broker = Broker(hub.bootstrap_servers, tmp_path)
    subject = InProcess(broker, "partner", hub.partner_id, None)
    loop, ready = asyncio.get_running_loop(), asyncio.Event()

    def told(_: str) -> None:
        loop.call_soon_threadsafe(ready.set)

    async def send() -> None:
        await ready.wait()
        await FaultyPartner(hub.bootstrap_servers, hub.partner_id, fault).run()
        subject.over = True

    run = asyncio.to_thread(run_partner, broker, hub.partner_id, subject, SECONDS, told, 0.5)
    verdict, _ = await asyncio.gather(run, send())
    return verdict


def failures(verdict: Verdict) -> dict[str, set[str]]:
    return {check.name: {each.code for each in check.findings} for check in verdict.checks if check.findings}


def not_seen(verdict: Verdict) -> set[str]:
    return {check.name for check in verdict.checks if check.outcome is Outcome.NOT_SEEN}


async def test_a_good_sender_conforms(hub: Hub, tmp_path: Path) -> None:
    verdict = await verdict_on(hub, tmp_path, "")
    assert failures(verdict) == {}
    assert verdict.conforms, verdict.as_json()


@pytest.mark.parametrize(
    ("fault", "found"),
    [
        ("tries_again_under_a_new_id", {"same_again": {"event_id_changed"}}),
        ("changes_without_saying_so", {"accepted": {"reference_reused"}}),
        ("sends_rejected_again", {"rejection": {"rejected_sent_again"}}),
        ("sends_rejected_again_as_new", {"rejection": {"rejected_sent_again"}}),
        ("has_no_key", {"records": {"key_wrong"}}),
        ("has_a_field_of_its_own", {"records": {"field_unknown"}}),
        ("leaves_headers_out", {"records": {"header_missing"}}),
        ("says_no_content_type", {"records": {"content_type_wrong"}}),
        ("reuses_its_ids", {"records": {"event_id_reused"}}),
        # What was refused it sends again in its next step, without having looked.
        ("clock_is_ahead", {"accepted": {"time_in_future", "referral_unknown"}, "rejection": {"rejected_sent_again"}}),
        (
            "speaks_for_another",
            {"accepted": {"identity_mismatch", "referral_unknown"}, "rejection": {"rejected_sent_again"}},
        ),
    ],
)
async def test_each_fault_is_found_and_nothing_else(
    hub: Hub, tmp_path: Path, fault: str, found: dict[str, set[str]]
) -> None:
    verdict = await verdict_on(hub, tmp_path, fault)
    assert failures(verdict) == found
    assert not verdict.conforms
    for check in verdict.checks:
        for finding in check.findings:
            assert finding.mend
            assert CANARY not in str(finding)


@pytest.mark.parametrize(("fault", "unseen"), [("never_withdraws", {"withdrawal"}), ("gives_up", {"rejection"})])
async def test_what_was_not_seen_is_not_called_passed(hub: Hub, tmp_path: Path, fault: str, unseen: set[str]) -> None:
    verdict = await verdict_on(hub, tmp_path, fault)
    assert failures(verdict) == {}
    assert not_seen(verdict) == unseen
    assert not verdict.conforms
