"""`conduit access`: whether the broker holds the permissions that the topic registry gives, and no other."""

from __future__ import annotations

import typer

from conduit_operate.access import expected_rules
from conduit_operate.audit import By
from conduit_operate.broker import Broker
from conduit_operate.carry_out import TIMEOUT, alone, carry_out
from conduit_operate.commands.exits import exits
from conduit_operate.commands.shared import Actor, Apply, AsJson, Reason, StateDir, explained, must_be_known, reach
from conduit_operate.commands.taking_part import show
from conduit_operate.copies import check
from conduit_operate.grants import foreign, granted, users
from conduit_operate.health import answering
from conduit_operate.onboarding import OnboardingError
from conduit_operate.plans import Plan

EXITS = exits("they agree", "they differ, a topic has fewer copies than it should, or the broker cannot be asked")


def access(
    state_dir: StateDir,
    *,
    apply: Apply = False,
    actor: Actor = "",
    reason: Reason = "",
    as_json: AsJson = False,
) -> None:
    """Compare every permission on the broker with the registry, and its topics' copies with its brokers."""
    must_be_known(apply=apply, actor=actor, reason=reason)
    with explained():
        broker = reach(state_dir)
        with alone(broker.state_dir):
            plan, strange = compare(broker)
            if apply:
                carry_out(plan, broker, By(actor, reason), "access")
        admin = broker.admin()
        ours = [name for name in admin.list_topics(timeout=TIMEOUT).topics if not name.startswith("__")]
        thin = check(admin, ours)
        notes = tuple(f"not made by the conduit, and left alone: {each}" for each in strange)
        show(plan, applied=apply, as_json=as_json, state_dir=state_dir, notes=(*notes, *thin))
    if strange or thin or (plan.steps and not apply):
        raise typer.Exit(1)


def compare(broker: Broker) -> tuple[Plan, list[str]]:
    """What is missing and what is too much, and the permissions that the registry could never give."""
    if not broker.secured:
        raise OnboardingError("this broker does not ask for passwords, so it has no permissions")
    admin = answering(broker)
    expected = expected_rules(list(admin.list_topics(timeout=TIMEOUT).topics), users(admin))
    held = granted(admin)
    missing, surplus = tuple(sorted(expected - held)), tuple(sorted(held - expected))
    return Plan("permissions", grants=missing, revokes=surplus), foreign(admin)
