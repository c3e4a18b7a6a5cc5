"""The conformance kit for forces: it passes what is right, and names each thing that is wrong."""

from __future__ import annotations

import asyncio
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from conduit_conformance.force_run import Patience, run_force
from conduit_conformance.sandbox import SandboxError, refuse_where_a_hub_worked, sandbox
from conduit_conformance.subject import Subject
from conduit_conformance.verdict import Outcome, Verdict
from conduit_contracts.topics import Topic, TopicSpec
from conduit_operate.broker import Broker
from conduit_operate.topics import create_topics
from deploy.conformance.tests.faulty_force import FaultyForce
from tests.kits.broker import Hub, new_hub
from tests.kits.samples import CANARY

ROOT = Path(__file__).parents[3]
EXAMPLE = ROOT / "contracts" / "examples_py" / "force.py"
PATIENT = Patience(attach=30, receipt=20, answer=8, quiet=1, kill=(0.3, 0.3))
"""A connector that was killed comes back when its old session has ended, after ten seconds. It is killed while the one that
commits before it stores has a case in hand."""
BRISK = Patience(attach=8, receipt=5, answer=3, quiet=0.5)
FOUND: dict[str, dict[str, set[str]]] = {
    "": {},
    "silent": {"receipt": {"receipt_missing"}},
    "forgets_what_it_took_in": {"receipt_once": {"receipt_repeated"}, "answered_once": {"answer_repeated"}},
    "confirms_everything": {"receipt_once": {"receipt_repeated"}},
    "stops_at_unknown_type": {"unknown_type": {"receipt_missing"}},
    "stops_at_poison": {"poison": {"receipt_missing"}},
    "refuses_later_fields": {"later_field": {"receipt_missing"}},
    "never_acknowledges": {"answered": {"answer_missing"}},
    "says_it_twice": {"answered_once": {"answer_repeated"}},
    "answers_a_case_of_others": {"records": {"case_not_yours"}},
    "answers_what_never_was": {"records": {"part_unknown"}},
    "speaks_for_another_force": {"records": {"identity_mismatch"}, "receipt": {"receipt_missing"}},
    "has_a_field_of_its_own": {"records": {"field_unknown"}, "receipt": {"receipt_missing"}},
    "has_no_key": {"records": {"key_wrong"}},
    "leaves_headers_out": {"records": {"header_missing"}, "receipt": {"receipt_missing"}},
    "reuses_its_ids": {"records": {"event_id_reused"}},
}
"""What is found of each fault, and nothing else."""


@pytest.fixture(scope="module")
async def verdicts(kafka_bootstrap: str, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Verdict]:
    """On each faulty connector, all tried at once: most of the time goes by in waiting for what does not come."""
    loop, folder = asyncio.get_running_loop(), tmp_path_factory.mktemp("conformance")
    with ThreadPoolExecutor(len(FOUND)) as threads:

        async def verdict_on(fault: str) -> Verdict:
            hub = await loop.run_in_executor(threads, new_hub, kafka_bootstrap)
            broker = Broker(kafka_bootstrap, folder)
            subject = Subject(broker, "force", hub.force_id, None)
            async with FaultyForce(kafka_bootstrap, hub.force_id, fault).running():
                return await loop.run_in_executor(threads, run_force, broker, hub.force_id, subject, BRISK)

        return dict(zip(FOUND, await asyncio.gather(*map(verdict_on, FOUND)), strict=True))


def failures(verdict: Verdict) -> dict[str, set[str]]:
    return {check.name: {each.code for each in check.findings} for check in verdict.checks if check.findings}


def test_a_good_connector_written_without_the_kit_conforms(verdicts: dict[str, Verdict]) -> None:
    verdict = verdicts[""]
    assert verdict.conforms, verdict.as_json()
    assert "crash" not in [check.name for check in verdict.checks]  # nobody may kill what somebody else runs


@pytest.mark.parametrize("fault", FOUND)
def test_each_fault_is_found_and_nothing_else(verdicts: dict[str, Verdict], fault: str) -> None:
    verdict = verdicts[fault]
    assert failures(verdict) == FOUND[fault]
    assert verdict.conforms == (fault == "")
    for check in verdict.checks:
        for finding in check.findings:
            assert finding.where
            assert finding.mend
            assert CANARY not in str(finding)


def test_what_was_not_tried_is_not_called_passed(verdicts: dict[str, Verdict]) -> None:
    verdict = verdicts["stops_at_unknown_type"]
    outcomes = {check.name: check.outcome for check in verdict.checks}
    assert outcomes["receipt"] is Outcome.PASSED
    assert outcomes["poison"] is outcomes["later_field"] is Outcome.NOT_SEEN
    assert "has stopped there" in verdict.note


@pytest.mark.long
async def test_a_connector_that_is_killed_must_neither_lose_nor_forget(
    kafka_bootstrap: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def verdict_on_command(folder: str, module: str) -> Verdict:
        hub = new_hub(kafka_bootstrap)
        (tmp_path / folder).mkdir()
        command = module.format(python=sys.executable, bootstrap=kafka_bootstrap, force=hub.force_id)
        subject = Subject(Broker(kafka_bootstrap, tmp_path / folder), "force", hub.force_id, command)
        try:
            return run_force(Broker(kafka_bootstrap, tmp_path / folder), hub.force_id, subject, PATIENT)
        finally:
            subject.kill()

    monkeypatch.chdir(tmp_path)  # where the example keeps its files
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    faulty = "{python} -m deploy.conformance.tests.faulty_force {bootstrap} {force} "
    good, loses, forgets = await asyncio.gather(
        asyncio.to_thread(verdict_on_command, "good", "{python} " + str(EXAMPLE) + " {force}"),
        asyncio.to_thread(verdict_on_command, "loses", faulty + "commits_before_it_stores"),
        asyncio.to_thread(verdict_on_command, "forgets", faulty + "nothing-but-memory"),
    )
    assert good.conforms, good.as_json()
    assert failures(loses)["crash"] == {"receipt_missing"}
    assert failures(forgets)["receipt_once"] == {"receipt_repeated"}


async def test_a_connector_that_ends_is_started_again_and_the_rest_is_tried(hub: Hub, tmp_path: Path) -> None:
    broker = Broker(hub.bootstrap_servers, tmp_path)
    subject = Subject(broker, "force", hub.force_id, f"{sys.executable} -c pass")
    verdict = await asyncio.to_thread(run_force, broker, hub.force_id, subject, BRISK)
    (finding,) = next(check for check in verdict.checks if check.name == "receipt").findings
    assert "ended with code 0" in finding.what
    assert not verdict.conforms


def test_a_sandbox_that_somebody_keeps_is_used_as_it_is(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("conduit_conformance.sandbox.SERVICES", ("nobody",))  # other tests' services work here
    environ = {"KAFKA_BOOTSTRAP_SERVERS": hub.bootstrap_servers}
    with sandbox("force", hub.force_id, environ, print) as broker:
        assert broker.bootstrap_servers == hub.bootstrap_servers
    with pytest.raises(SandboxError, match="no topics of force nowhere"), sandbox("force", "nowhere", environ, print):
        pass


def test_where_it_cannot_be_told_whether_a_hub_has_worked_there_is_no_sandbox(tmp_path: Path) -> None:
    class Silent:
        def admin(self) -> Any:
            broken = SimpleNamespace(valid=[], errors=[SimpleNamespace(str=lambda: "the broker is silent")])
            answer = SimpleNamespace(result=lambda _: broken)
            return SimpleNamespace(list_consumer_groups=lambda **_: answer)

    with pytest.raises(SandboxError, match="cannot tell whether a hub has used this broker: the broker is silent"):
        refuse_where_a_hub_worked(Silent())  # type: ignore[arg-type]


def test_what_a_hub_has_written_gives_it_away_even_when_its_groups_are_forgotten(
    hub: Hub, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    trace = Topic(f"trace.{hub.force_id}.v1", "hub", ("hub",), (), ())
    monkeypatch.setattr("conduit_conformance.sandbox.SERVICES", ("nobody",))
    monkeypatch.setattr("conduit_conformance.sandbox.produced_by", lambda _: (trace,))
    create_topics(hub.bootstrap_servers, [TopicSpec(trace.name(), 1, {})])
    assert hub.records(trace.name(), 1) == []  # it has a leader that knows of it
    refuse_where_a_hub_worked(Broker(hub.bootstrap_servers, tmp_path))
    hub.put(trace.name(), [], b"{}")
    with pytest.raises(SandboxError, match=f"a hub has used this broker .{trace.name()}"):
        refuse_where_a_hub_worked(Broker(hub.bootstrap_servers, tmp_path))
