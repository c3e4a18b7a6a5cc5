"""The sample referrals under `tests/referrals`.

Everything in them is synthetic. Names, places and narratives hold tokens (see `Sample.tokens`), so that whoever sees one
without need to know is found out. A case that is misspelt, or not a valid record unless it says so, is refused here.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any
from uuid import UUID

import yaml

from conduit_contracts.envelope import Message
from conduit_contracts.geography import forces
from conduit_contracts.partner import InformationSupplied, ReconsiderationRequested, ReferralSubmitted, ReferralWithdrawn
from conduit_contracts.programme import (
    Contact,
    ForceRegistered,
    HubContactsApproved,
    HubContactsProposed,
    PartnerRegistered,
)
from conduit_local.demo.cases import Case
from conduit_local.services import HUB_EMAIL
from conduit_operate.paths import project_root

SECOND_ON_DUTY = "second-duty-officer@hub.example"
_SAMPLE = UUID("5a3b1e00-0000-4000-8000-000000000001")

MESSAGES: Mapping[str, type[Message]] = {
    "referral": ReferralSubmitted,
    "information": InformationSupplied,
    "withdrawal": ReferralWithdrawn,
    "reconsideration": ReconsiderationRequested,
}


@dataclass(frozen=True)
class Sample:
    """A case with its number and name, from its file's name."""

    number: str
    name: str
    case: Case
    base: Mapping[str, Any]

    def reference(self, run: str) -> str:
        """The partner's reference, unique on a stack that sees several runs."""
        return f"{run}-{self.number}"

    def body(self, index: int, run: str) -> dict[str, Any]:
        """The JSON value of one step's record, before any damage."""
        step = self.case.steps[index]
        if step.send == "the same record":
            return self.body(index - 1, run)
        head = {"partner_id": self.case.partner, "partner_reference": self.reference(run)}
        if step.send == "referral":
            head["mou_reference"] = f"MOU-{self.case.partner.upper()}"
            return {"referral": self._mark(merge(merge(self.base["referral"], head), step.override), index)}
        if step.send == "information":
            return {"supplement": self._mark(merge(merge(self.base["information"], head), step.override), index)}
        return merge(merge(self.base[step.send], head), step.override)

    @cached_property
    def tokens(self) -> dict[str, str]:
        """Every token by its name, for example `person V1`, with the text that stands for it in the records."""
        found: dict[str, str] = {}
        for index, step in enumerate(self.case.steps):
            if step.send not in ("referral", "information"):
                continue
            (content,) = self.body(index, "RUN").values()
            told = content["narrative"] if step.send == "referral" else content["text"]
            found["narrative" if step.send == "referral" else f"supplement {index}"] = told
            found |= {f"person {person['person_id']}": self._name(person) for person in content.get("persons", ())}
            found |= {f"place {place['place_id']}": self._place(place) for place in content.get("places", ())}
        return found

    def _mark(self, content: dict[str, Any], index: int) -> dict[str, Any]:
        send = self.case.steps[index].send
        field = "narrative" if send == "referral" else "text"
        marked = {field: self._words(send, index), **content}
        marked["persons"] = [self._person(person) for person in content.get("persons", ())]
        marked["places"] = [{"description": self._place(place), **place} for place in content.get("places", ())]
        return marked

    def _person(self, person: Mapping[str, Any]) -> dict[str, Any]:
        """Named with consent unless the case says more; the name is always the token."""
        identity = person.get("identity", {"kind": "named_with_consent", "consented_on": "2026-10-01"})
        if not isinstance(identity, Mapping):
            return dict(person)
        label = "pseudonym" if identity.get("kind") == "pseudonymous" else "name"
        return {**person, "identity": {label: self._name(person), **identity}}

    def _words(self, send: str, index: int) -> str:
        return (
            f"Narrative of {self.number} (synthetic)"
            if send == "referral"
            else f"Supplement {self.number}-{index} (synthetic)"
        )

    def _name(self, person: Mapping[str, Any]) -> str:
        return f"Person {self.number}-{person['person_id']} (synthetic)"

    def _place(self, place: Mapping[str, Any]) -> str:
        return f"Place {self.number}-{place['place_id']} (synthetic)"


def folder() -> Path:
    """Where the samples lie in the repository."""
    return project_root() / "tests" / "referrals"


def load_samples(path: Path | None = None) -> list[Sample]:
    """Every case in order of its number.

    Raises:
        ValueError: a case is misspelt, or holds a record that the contract refuses without saying so; names the file.
    """
    path = path or folder()
    base = _read(path / "base.yaml")
    return [_load(file, base) for file in sorted((path / "cases").glob("*.yaml"))]


def load_kinds(path: Path | None = None) -> list[str]:
    """Every kind of event that the samples must cover."""
    return list(_read((path or folder()) / "kinds.yaml"))


def load_partners(path: Path | None = None) -> list[PartnerRegistered]:
    """The register of partners."""
    entries = _read((path or folder()) / "partners.yaml")
    return [PartnerRegistered.model_validate(entry, strict=False) for entry in entries]


def force_register() -> Iterator[ForceRegistered]:
    """The register of forces: every force there is, with a synthetic address, two levels above it, and a control room.

    All telephone numbers are of a range that is given to nobody.
    """
    for number, force_id in enumerate(forces()):
        host = f"{force_id}.police.example"
        levels = tuple(Contact(email=f"{level}@{host}") for level in ("duty-inspector", "head-of-safeguarding"))
        yield ForceRegistered(
            force_id=force_id,
            contact=Contact(email=f"safeguarding@{host}", telephone=_telephone(200 + number)),
            escalation=levels,
            control_room=_telephone(100 + number),
        )


def duty_contacts() -> tuple[HubContactsProposed, HubContactsApproved]:
    """Whom the hub's alarms call: two synthetic contacts. Under one id, so that they take effect once however often told."""
    contacts = tuple(Contact(email=each, telephone=_telephone(n)) for n, each in enumerate((HUB_EMAIL, SECOND_ON_DUTY)))
    proposal = HubContactsProposed(proposal_id=_SAMPLE, contacts=contacts, proposed_by="sample proposer")
    approval = HubContactsApproved(proposal_id=_SAMPLE, digest=proposal.digest, approved_by="sample approver")
    return proposal, approval


def _telephone(last: int) -> str:
    return f"+441632960{last:03}"


def merge(base: Mapping[str, Any], override: Mapping[str, Any]) -> dict[str, Any]:
    """Maps are merged, everything else is replaced, and a null in `override` takes the field away."""
    merged = dict(base)
    for name, value in override.items():
        below = merged.get(name)
        if value is None:
            merged.pop(name, None)
        else:
            merged[name] = merge(below, value) if isinstance(below, Mapping) and isinstance(value, Mapping) else value
    return merged


def _load(file: Path, base: Mapping[str, Any]) -> Sample:
    number, _, name = file.stem.partition("-")
    try:
        sample = Sample(number, name, Case.model_validate(_read(file)), base)
        _check(sample)
    except ValueError as error:
        raise ValueError(f"{file.name}: {error}") from error
    return sample


def _check(sample: Sample) -> None:
    for index, step in enumerate(sample.case.steps):
        if step.send != "the same record" and not (step.misshapen or step.damage):
            MESSAGES[step.send].model_validate_json(json.dumps(sample.body(index, "RUN")))
    expect = sample.case.expect
    named = set().union(*expect.seen.values(), *expect.hidden.values())
    if unknown := named - set(sample.tokens):
        raise ValueError(f"no part of the case is called {', '.join(sorted(unknown))}")


class _Loader(yaml.CSafeLoader):
    """Dates stay text, as they travel in JSON."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.CSafeLoader.yaml_implicit_resolvers.items()
}


def _read(file: Path) -> Any:
    return yaml.load(file.read_text(encoding="utf-8"), Loader=_Loader)  # noqa: S506  a safe loader of our own
