"""What a run found out: checks, each with its findings. No finding contains the content of a record."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Outcome(StrEnum):
    """Of one check."""

    PASSED = "passed"
    FAILED = "failed"
    NOT_SEEN = "not seen"
    """What it is about never happened, so nothing is known."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong. `where` leads to it: a record's topic, partition and offset, or a case of the script."""

    code: str
    where: str
    what: str
    mend: str


@dataclass(slots=True)
class Check:
    """One thing that must hold."""

    name: str
    about: str
    seen: bool = False
    findings: list[Finding] = field(default_factory=list)

    @property
    def outcome(self) -> Outcome:
        """Findings count even where nothing else was seen."""
        if self.findings:
            return Outcome.FAILED
        return Outcome.PASSED if self.seen else Outcome.NOT_SEEN


@dataclass(frozen=True, slots=True)
class Verdict:
    """Of one connector."""

    kind: str
    identity: str
    checks: Sequence[Check]
    seconds: float
    note: str = ""
    """What whoever reads it should know besides."""

    @property
    def conforms(self) -> bool:
        """Whether every check passed."""
        return all(check.outcome is Outcome.PASSED for check in self.checks)

    def as_json(self) -> dict[str, Any]:
        """For `--json`; names stay as they are."""
        return {
            "kind": self.kind,
            "identity": self.identity,
            "conforms": self.conforms,
            "seconds": round(self.seconds, 1),
            "note": self.note,
            "checks": [
                {
                    "name": check.name,
                    "about": check.about,
                    "outcome": check.outcome.value,
                    "findings": [
                        {"code": each.code, "where": each.where, "what": each.what, "mend": each.mend}
                        for each in check.findings
                    ],
                }
                for check in self.checks
            ],
        }


class Checks:
    """The checks of one run, in the order in which they are shown."""

    def __init__(self, about: dict[str, str]) -> None:
        self._checks = {name: Check(name, text) for name, text in about.items()}

    def saw(self, *names: str) -> None:
        """What these checks are about has happened."""
        for name in names:
            self._checks[name].seen = True

    def find(self, name: str, finding: Finding) -> None:
        """Something is wrong; said once where it is found twice."""
        if finding not in self._checks[name].findings:
            self._checks[name].findings.append(finding)

    def seen(self, name: str) -> bool:
        """Whether it has happened, rightly or wrongly."""
        return self._checks[name].seen

    def drop(self, name: str) -> None:
        """A check that this run cannot make."""
        self._checks.pop(name, None)

    def all(self) -> list[Check]:
        """As they stand."""
        return list(self._checks.values())
