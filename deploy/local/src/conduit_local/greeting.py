"""What `conduit up` says once all is ready: where things are, who may send, and what to try next."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime
from pathlib import Path

from conduit_contracts.agreements import in_force
from conduit_contracts.programme import PartnerRegistered
from conduit_local.demo.samples import folder as samples
from conduit_local.demo.samples import load_partners
from conduit_local.personas import HUB, PERSONAS, PROVIDERS, LocalProvider
from conduit_local.stack import Stack
from conduit_operate.clients import folder


def greeting(stack: Stack) -> Iterator[str]:
    """Line by line, none longer than a narrow terminal unless a path is."""
    intake = stack.url("intake")
    places = {
        "console": f"{stack.url('console')}/",
        "sign in as": _names(HUB),
        "programme": f"{stack.url('programme')}/",
        "as well as": ", ".join(f"{_names(each)} ({each.label})" for each in PROVIDERS if each is not HUB),
        "credentials": f"{_short(folder(stack.state_dir))}/  two files per partner and force",
        "addresses": str(_short(stack.state_dir / "env")),
        "partner API": intake,
        "documents": f"{intake}/docs",
        "duty tasks": f"{stack.url('notification')}/duty/  each alarm's mail has its link",
        "mail sent": f"{_short(stack.smtp_folder)}/  one .eml file each",
        "logs": f"{_short(stack.state_dir / 'logs')}/  one file per process",
    }
    yield "ready; Ctrl-C ends it"
    yield from (f"  {name:<12} {place}" for name, place in places.items())
    if samples().is_dir():
        yield f"  {'partners':<12} {partners(load_partners(), datetime.now(UTC).date())}"
        yield "  try next     the README's partner.py and force.py, or docs/attach.md with curl"


def _names(provider: LocalProvider) -> str:
    return ", ".join(each.name for each in PERSONAS if each.provider is provider)


def partners(entries: Iterable[PartnerRegistered], today: date) -> str:
    """Who is registered, and who of them may send no new referral, and why."""
    return ", ".join(f"{entry.partner_id}{_refused(entry, today)}" for entry in entries)


def _refused(entry: PartnerRegistered, today: date) -> str:
    if entry.suspended:
        return " (suspended)"
    if not any(in_force(mou, today) for mou in entry.mous):
        return " (its MoU has lapsed)"
    return ""


def _short(path: Path) -> Path:
    """As somebody in this folder would type it."""
    return Path(os.path.relpath(path)) if path.is_relative_to(Path.cwd()) else path
