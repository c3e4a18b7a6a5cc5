"""`conduit passkey`: which passkeys of officers are trusted. Nobody but an administrator says so, and no page can.

An officer's page at the console shows what it was told of a new passkey, and its fingerprint. A console that somebody has
taken over may show another's: so the administrator has the officer make it, and read out the fingerprint, where both can see
that the officer's own device asks.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Annotated

import typer

from conduit_contracts.passkeys import read_offer
from conduit_contracts.programme import HubPersonRegistered, Passkey, PersonRegistered
from conduit_operate import people
from conduit_operate.commands.exits import exits
from conduit_operate.commands.person import EXITS, PersonId, change
from conduit_operate.commands.shared import Actor, Apply, AsJson, Reason, StateDir, explained, reach, typed
from conduit_operate.commands.tables import show_table, table
from conduit_operate.commands.taking_part import Order
from conduit_operate.onboarding import MisuseError, UnknownError

app = typer.Typer(no_args_is_help=True, help="Trust, list and remove the passkeys with which officers decide.")

Offer = Annotated[str, typer.Argument(metavar="OFFER", help="The line that the officer's page shows of it.")]
Fingerprint = Annotated[str, typer.Option(help="Its fingerprint, as the officer reads it out.")]


@app.command("confirm", epilog=EXITS)
def confirm(  # noqa: PLR0913  one parameter per option
    state_dir: StateDir,
    person_id: PersonId,
    offer: Offer,
    fingerprint: Fingerprint,
    *,
    apply: Apply = False,
    actor: Actor = "",
    reason: Reason = "",
    as_json: AsJson = False,
) -> None:
    """Trust a passkey. From then on this officer declines, and ends a force's part, with a trusted passkey alone."""

    def changed(person: PersonRegistered) -> PersonRegistered:
        officer, offered = _hub(person), _offered(offer)
        if _plain(fingerprint) != _plain(offered.fingerprint(person_id)):
            raise MisuseError(
                "the fingerprint is not that of this passkey of this person: take nothing on. Have the officer read it out "
                "again; if it stays different, the console may show what is not so, and is to be looked at"
            )
        if offered.credential_id in {each.credential_id for each in officer.passkeys}:
            return officer
        confirmed = offered.model_copy(update={"confirmed_at": datetime.now(UTC)})
        return _with(officer, (*officer.passkeys, confirmed))

    change("passkey confirm", person_id, changed, Order(apply, actor, reason, as_json, state_dir))


@app.command("remove", epilog=EXITS)
def remove(
    state_dir: StateDir,
    person_id: PersonId,
    fingerprint: Fingerprint,
    *,
    apply: Apply = False,
    actor: Actor = "",
    reason: Reason = "",
    as_json: AsJson = False,
) -> None:
    """Trust a passkey no longer: it was lost, or its officer has another. Whose last it was decides without one."""

    def changed(person: PersonRegistered) -> PersonRegistered:
        officer, plain = _hub(person), _plain(fingerprint)
        left = tuple(each for each in officer.passkeys if _plain(each.fingerprint(person_id)) != plain)
        if left == officer.passkeys:
            raise UnknownError("this person has no passkey with that fingerprint; `conduit passkey list` lists all")
        return _with(officer, left)

    change("passkey remove", person_id, changed, Order(apply, actor, reason, as_json, state_dir))


@app.command("list", epilog=exits("shown, even if there are none", "they cannot be read; the text says why"))
def list_passkeys(state_dir: StateDir, *, as_json: AsJson = False) -> None:
    """Show the trusted passkeys, and since when. Officers without one decide without."""
    with explained():
        found_people = people.read_people(reach(state_dir))
    hub = sorted(
        (each for each in found_people.everybody() if isinstance(each, HubPersonRegistered)), key=lambda each: each.person_id
    )
    found = [(each, passkey) for each in hub for passkey in each.passkeys]
    if as_json:
        shown = [
            {"person_id": each.person_id, "fingerprint": passkey.fingerprint(each.person_id)}
            | passkey.model_dump(mode="json", exclude_none=True)
            for each, passkey in found
        ]
        typer.echo(json.dumps(shown))
    elif not found:
        typer.echo("no passkey is trusted: every decision is taken without one")
    else:
        rows = table("person", "shown as", "fingerprint", "at", "since")
        for each, passkey in found:
            since = f"{passkey.confirmed_at:%Y-%m-%d %H:%M}" if passkey.confirmed_at else "not trusted"
            rows.add_row(each.person_id, each.shown_as or "", passkey.fingerprint(each.person_id), passkey.origin, since)
        show_table(rows)


def _hub(person: PersonRegistered) -> HubPersonRegistered:
    if not isinstance(person, HubPersonRegistered):
        raise MisuseError("passkeys are for the hub's people, who decide")
    return person


def _offered(text: str) -> Passkey:
    try:
        return read_offer(text)
    except ValueError as error:
        raise MisuseError(f"OFFER: {error}; copy the whole line that the officer's page shows") from None


def _with(officer: HubPersonRegistered, passkeys: tuple[Passkey, ...]) -> HubPersonRegistered:
    with typed():
        return HubPersonRegistered.model_validate({**officer.model_dump(), "passkeys": passkeys})


def _plain(fingerprint: str) -> str:
    return "".join(fingerprint.upper().replace("-", " ").split())
