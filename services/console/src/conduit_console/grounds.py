"""What the policy file says that officers must see: thresholds, what a partner reads in a decline, how forces are found."""

from datetime import date
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from conduit_chassis.policy import load_policy
from conduit_contracts.concerned.proposal import ALL_ON, Safeguarding
from conduit_contracts.triage import DeclineReason, PolicyVersion


class DeclineWords(BaseModel):
    """What the partner can do instead, and from when until when the reason may be given: as triage counts days."""

    model_config = ConfigDict(frozen=True, extra="ignore")
    effective_from: date
    effective_to: date | None = None
    next_step: str

    def holds(self, day: date) -> bool:
        """Whether the reason may be given on this day."""
        return self.effective_from <= day and (self.effective_to is None or day <= self.effective_to)


class ShownPolicy(BaseModel):
    """The part of the policy file that pages show. Triage and routing decide by their own reading of it."""

    model_config = ConfigDict(frozen=True, extra="ignore")
    version: PolicyVersion
    victims_at_least: int
    suspects_at_least: int
    force_areas_at_least: int
    decline_reasons: dict[DeclineReason, DeclineWords]
    second_opinion_before_decline: bool = False
    """Whether another officer must agree to a decline, as it is written, before it is sent. From the section `[console]`."""
    safeguarding: Safeguarding = ALL_ON
    """Routing's switches, of its own section."""


class ConsolePolicy(BaseModel):
    """The section `[console]`. A policy file of an earlier release has none."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    version: PolicyVersion
    second_opinion_before_decline: bool = False


class _RoutingSection(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")
    safeguarding: Safeguarding = ALL_ON


def read_shown_policy(path: Path) -> ShownPolicy:
    """Raises ConfigurationError, naming the file and the key that cannot be used."""
    shown, own = load_policy(path, "triage", ShownPolicy), load_policy(path, "console", ConsolePolicy, optional=True)
    more = {"second_opinion_before_decline": own.second_opinion_before_decline}
    switches = load_policy(path, "routing", _RoutingSection).safeguarding
    return shown.model_copy(update={**more, "safeguarding": switches})
