"""On a cluster whoever takes part is declared: the command finds it done, and makes nothing that would be removed again."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from conduit_contracts.programme import ForceRegistered, Mou, PartnerRegistered
from conduit_contracts.referral import LegalGround
from conduit_operate.audit import By
from conduit_operate.broker import external_broker
from conduit_operate.carry_out import carry_out
from conduit_operate.onboarding import OnboardingError, onboard, rotate
from conduit_operate.plans import Standing
from tests.kubernetes.manifests import of_kind
from tests.kubernetes.test_kafka import rules_of_users

CLUSTER = {
    "KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1",  # nobody answers there: what is refused is refused before
    "KAFKA_SECURITY_PROTOCOL": "SASL_SSL",
    "KAFKA_ADMIN_USERNAME": "admin",
    "KAFKA_ADMIN_PASSWORD": "synthetic",
    "KAFKA_DECLARED": "true",
}


def standing(kind: str, identity: str) -> Standing:
    """What a broker holds once the operator has seen the pilot's manifests."""
    return Standing(
        kind,
        identity,
        topics=frozenset(each["metadata"]["name"] for each in of_kind("pilot", "KafkaTopic")),
        users=frozenset(each["metadata"]["name"] for each in of_kind("pilot", "KafkaUser")),
        rules=frozenset(rules_of_users("pilot")),
    )


def partner(partner_id: str) -> PartnerRegistered:
    day = date(2036, 1, 1)
    mou = Mou(
        reference="MOU-1",
        scope="Synthetic",
        signed_on=date(2026, 1, 1),
        valid_from=date(2026, 1, 1),
        valid_to=day,
        review_on=day,
        legal_ground=LegalGround.PUBLIC_TASK,
    )
    return PartnerRegistered(partner_id=partner_id, name="Synthetic", mous=(mou,))


def test_for_a_declared_partner_only_the_register_is_left_to_do() -> None:
    plan = onboard(standing("partner", "northlight"), partner("northlight"), http=["northlight"])
    assert {step.what for step in plan.steps} == {"entry", "HTTP secret"}


def test_for_a_declared_force_only_the_register_is_left_to_do() -> None:
    plan = onboard(standing("force", "kent"), ForceRegistered(force_id="kent"))
    assert {step.what for step in plan.steps} == {"entry"}


@pytest.mark.parametrize("how", ["onboard", "rotate"])
def test_what_the_operator_would_remove_again_is_refused_with_what_to_do(tmp_path: Path, how: str) -> None:
    here = standing("partner", "lighthouse" if how == "onboard" else "northlight")
    plan = onboard(here, partner("lighthouse")) if how == "onboard" else rotate(here)
    with pytest.raises(OnboardingError, match=r"environment\.toml, run make kubernetes, apply it, and come again"):
        carry_out(plan, external_broker(tmp_path, CLUSTER), By("a.person", "a reason"), "test")
    assert list(tmp_path.iterdir()) == [], "nothing was noted, and no password made"
