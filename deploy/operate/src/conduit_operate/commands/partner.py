"""`conduit partner`: from the first agreement to the last day, without a restart of anything."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping
from datetime import date, datetime, timedelta
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import typer

from conduit_chassis.postgres import Connection
from conduit_chassis.settings import Settings
from conduit_contracts.programme import Contact, Mou, PartnerRegistered
from conduit_contracts.referral import LegalGround
from conduit_contracts.topics import PARTNER
from conduit_intake import trail
from conduit_intake.settings import IntakeSettings
from conduit_operate import onboarding
from conduit_operate.access import users_of
from conduit_operate.agreements import ending
from conduit_operate.commands.exits import exits
from conduit_operate.commands.service_database import with_connection
from conduit_operate.commands.shared import (
    MOST_DAYS,
    Actor,
    Apply,
    AsJson,
    Reason,
    StateDir,
    a_number,
    explained,
    reach,
    spelt,
    typed,
    well_formed,
)
from conduit_operate.commands.taking_part import (
    EXITS,
    LIST_EXITS,
    Order,
    SecretName,
    add_rotate,
    change,
    contact_of,
    reach_intake,
    show_register,
)
from conduit_operate.grants import users
from conduit_operate.health import answering
from conduit_operate.http_clients import SANDBOX, AwayError, Secrets
from conduit_operate.plans import Plan, Standing
from conduit_operate.quotas import PRODUCER
from conduit_operate.register import read_registers
from conduit_operate.wording import counted

app = typer.Typer(no_args_is_help=True, help="Onboard, suspend, resume, offboard, list partners; rotate their credentials.")

DAY = ["%Y-%m-%d"]
PartnerId = Annotated[
    str, typer.Argument(metavar="ID", help="Lower-case letters, digits and single hyphens.", callback=well_formed)
]
Day = Annotated[datetime | None, typer.Option(formats=DAY)]
MouReference = Annotated[str | None, typer.Option("--mou", help="Only this MoU.")]

SandboxEmail = Annotated[str | None, typer.Option(help="For notices about the sandbox. An empty value removes it.")]
ByteRate = Annotated[float | None, typer.Option(min=1024, help="Bytes a second, if it differs from the usual quota.")]
Tries = Annotated[bool, typer.Option("--sandbox", help="Also create a sandbox client, whose referrals reach nobody.")]


@app.command("onboard", epilog=EXITS)
def onboard(  # noqa: PLR0913  one parameter per option
    state_dir: StateDir,
    partner_id: PartnerId,
    *,
    name: Annotated[str | None, typer.Option(help="The organisation's name. Required the first time.")] = None,
    mou: Annotated[str | None, typer.Option(help="Reference of the Memorandum of Understanding.")] = None,
    valid_from: Day = None,
    valid_to: Day = None,
    scope: Annotated[str, typer.Option(help="What the MoU covers.")] = "Complex child-safeguarding referrals",
    signed_on: Annotated[datetime | None, typer.Option(formats=DAY, help="By default, the same as --valid-from.")] = None,
    review_on: Annotated[datetime | None, typer.Option(formats=DAY, help="By default, the same as --valid-to.")] = None,
    legal_ground: Annotated[LegalGround, typer.Option(help="Data protection.")] = LegalGround.SAFEGUARDING_OF_CHILDREN,
    email: Annotated[str | None, typer.Option(help="A team's address for notices. An empty value removes it.")] = None,
    webhook_url: Annotated[str | None, typer.Option(help="For notices. An empty value removes it.")] = None,
    webhook_secret_name: SecretName = None,
    telephone: Annotated[str | None, typer.Option(help="The team's number, for danger. An empty value removes it.")] = None,
    sandbox_email: SandboxEmail = None,
    sandbox_webhook_url: Annotated[str | None, typer.Option(help="The same by webhook, signed with its own secret.")] = None,
    producer_byte_rate: ByteRate = None,
    http: Annotated[bool, typer.Option("--http", help="Also create a client of the HTTP API.")] = False,
    sandbox: Tries = False,
    apply: Apply = False,
    actor: Actor = "",
    reason: Reason = "",
    as_json: AsJson = False,
) -> None:
    """Create a partner's topics, permissions, credentials and register entry, or change or add to them."""
    contact = {"email": email, "webhook_url": webhook_url, "webhook_secret": webhook_secret_name, "telephone": telephone}
    tried = {"email": sandbox_email, "webhook_url": sandbox_webhook_url}
    limits = {PRODUCER: producer_byte_rate} if producer_byte_rate is not None else None
    http_ids = [*([partner_id] if http else []), *([partner_id + SANDBOX] if sandbox else [])]
    with explained(), typed():
        mous = _mou(mou, scope, (signed_on, valid_from, valid_to, review_on), legal_ground)

    def plan_of(standing: Standing) -> Plan:
        with typed():
            entry = entry_of(standing, name, mous, contact, tried)
        return onboarding.onboard(standing, entry, limits, http_ids)

    change("partner onboard", (PARTNER, partner_id), plan_of, Order(apply, actor, reason, as_json, state_dir))


@app.command("suspend", epilog=EXITS)
def suspend(  # noqa: PLR0913  one parameter per option
    state_dir: StateDir,
    partner_id: PartnerId,
    *,
    mou: MouReference = None,
    wholly: Annotated[bool, typer.Option("--wholly", help="Also refuse what it sends about open cases.")] = False,
    apply: Apply = False,
    actor: Actor = "",
    reason: Reason = "",
    as_json: AsJson = False,
) -> None:
    """Refuse new referrals, within seconds. Open cases go on: information and withdrawals are still accepted."""
    plan_of = partial(onboarding.suspend, mou=mou, wholly=wholly)
    change("partner suspend", (PARTNER, partner_id), plan_of, Order(apply, actor, reason, as_json, state_dir))


@app.command("resume", epilog=EXITS)
def resume(
    state_dir: StateDir,
    partner_id: PartnerId,
    *,
    mou: MouReference = None,
    apply: Apply = False,
    actor: Actor = "",
    reason: Reason = "",
    as_json: AsJson = False,
) -> None:
    """Lift the suspension of one MoU, or all suspensions of the partner."""
    plan_of = partial(onboarding.resume, mou=mou)
    change("partner resume", (PARTNER, partner_id), plan_of, Order(apply, actor, reason, as_json, state_dir))


add_rotate(app, PARTNER)


@app.command("offboard", epilog=EXITS)
def offboard(
    state_dir: StateDir,
    partner_id: PartnerId,
    *,
    apply: Apply = False,
    actor: Actor = "",
    reason: Reason = "",
    as_json: AsJson = False,
) -> None:
    """Accept nothing more from the partner and end its credentials. Its topics and open cases stay."""
    change("partner offboard", (PARTNER, partner_id), onboarding.offboard, Order(apply, actor, reason, as_json, state_dir))


@app.command("list", epilog=LIST_EXITS)
def list_partners(
    state_dir: StateDir,
    *,
    ending_within: Annotated[
        int | None,
        typer.Option(
            "--ending", metavar="DAYS", min=0, max=MOST_DAYS, help="Only the MoUs in force that end within so many days."
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show the register of partners; or, with --ending, whose agreement ends when, the soonest first."""
    if ending_within is not None:
        _show_ending(state_dir, ending_within, as_json)
        return
    with explained():
        state = _state_now(state_dir)
    show_register(
        state_dir,
        as_json,
        lambda registers: registers.partners,
        partial(_line, state=state),
        lambda partner: {"state": state(partner)},
    )


def _show_ending(state_dir: Path, days: int, as_json: bool) -> None:
    with explained():
        registers = read_registers(reach(state_dir))
    today = datetime.now(ZoneInfo(IntakeSettings.model_fields["mou_time_zone"].default)).date()
    found = ending(registers.partners.values(), today, days)
    if as_json:
        typer.echo(json.dumps([each._asdict() for each in found], default=spelt))
        return
    for each in found:
        left = counted((each.valid_to - today).days, "day")
        typer.echo(f"{each.valid_to}  {each.partner_id}  {each.reference}: {left} left")
    typer.echo(f"{counted(len(found), 'MoU')} in force {'ends' if len(found) == 1 else 'end'} within {counted(days, 'day')}")


@app.command("refused", epilog=exits("shown, whether any were or not", "intake cannot be asked"))
def refused(
    state_dir: StateDir,
    *,
    hours: Annotated[
        float, typer.Option(min=0.01, max=24 * MOST_DAYS, callback=a_number, help="How far back to look.")
    ] = 1.0,
    as_json: AsJson = False,
) -> None:
    """Show which partners' submissions were refused of late, how often and why, in codes."""

    async def look(_: Settings, connection: Connection) -> list[dict[str, Any]]:
        return await trail.refusals(connection, timedelta(hours=hours))

    found = with_connection("intake", state_dir, look)
    if as_json:
        typer.echo(json.dumps(found, default=spelt))
        return
    for each in found:
        last = f"last at {each['last_at']:%Y-%m-%dT%H:%M:%SZ}"
        typer.echo(f"{each['partner_id']}: {counted(each['times'], 'time')} {each['kind']}, {each['why']}; {last}")
    typer.echo(counted(sum(each["times"] for each in found), "submission", "was refused", rest_of_many="were refused"))


def entry_of(
    standing: Standing,
    name: str | None,
    added: tuple[Mou, ...],
    contact: Mapping[str, str | None],
    sandbox: Mapping[str, str | None] = MappingProxyType({}),
) -> PartnerRegistered:
    """The register's entry with what is given; what is not given stays as it stands.

    Raises:
        MisuseError: it is the first time, and no name is given.
    """
    before = standing.entry if isinstance(standing.entry, PartnerRegistered) else None
    if before is None and name is None:
        raise onboarding.MisuseError(f"{standing.name} is not in the register yet; give at least --name")
    return PartnerRegistered(
        partner_id=standing.identity,
        name=name or (before.name if before else ""),
        suspended=before.suspended if before else False,
        mous=onboarding.merged_mous({each.reference: each for each in before.mous} if before else {}, added),
        contact=contact_of(before.contact if before else Contact(), contact, standing.identity),
        sandbox_contact=_sandbox_contact(before, sandbox, standing.identity),
    )


def _sandbox_contact(before: PartnerRegistered | None, given: Mapping[str, str | None], partner_id: str) -> Contact | None:
    """None where notices about the sandbox go nowhere."""
    held = before.sandbox_contact if before else None
    made = contact_of(held or Contact(), given, partner_id + SANDBOX)
    return made if made.email or made.webhook_url else None


def _mou(reference: str | None, scope: str, days: tuple[datetime | None, ...], legal_ground: LegalGround) -> tuple[Mou, ...]:
    if reference is None:
        return ()
    signed_on, valid_from, valid_to, review_on = (_date(day) for day in days)
    if valid_from is None or valid_to is None:
        raise onboarding.MisuseError("an MoU needs its first and last day: give --valid-from and --valid-to as YYYY-MM-DD")
    if valid_to < valid_from:
        raise onboarding.MisuseError("--valid-to is before --valid-from")
    return (
        Mou(
            reference=reference,
            scope=scope,
            signed_on=signed_on or valid_from,
            valid_from=valid_from,
            valid_to=valid_to,
            review_on=review_on or valid_to,
            legal_ground=legal_ground,
        ),
    )


def _date(day: datetime | None) -> date | None:
    return day.date() if day else None


def _line(partner: PartnerRegistered, state: Callable[[PartnerRegistered], str]) -> str:
    mous = ", ".join(
        f"{mou.reference} {mou.valid_from} to {mou.valid_to}{' (suspended)' if mou.suspended else ''}"
        for mou in partner.mous
    )
    return f"{partner.partner_id}: {partner.name}; {state(partner)}; {mous or 'no MoU'}"


def _state_now(state_dir: Path) -> Callable[[PartnerRegistered], str]:
    """Who takes part, is suspended or has left, as the register, Kafka's users and intake's clients have it."""
    broker, http = reach(state_dir), reach_intake(state_dir)
    held = users(answering(broker)) if broker.secured else None

    def secrets(partner_id: str) -> Secrets | None:
        try:
            return http.live(PARTNER, partner_id) if http else None
        except AwayError:
            return None

    return lambda partner: state_of(partner, held, secrets)


def state_of(partner: PartnerRegistered, held: Collection[str] | None, secrets: Callable[[str], Secrets | None]) -> str:
    """The register does not say whether a partner has left: whoever has can no longer come in anywhere.

    `held` are Kafka's users, None where it knows none; `secrets` are None where intake could not be asked for them.
    """
    if not partner.suspended:
        return "taking part"
    if held is None or users_of(PARTNER, partner.partner_id, held):
        return "suspended"
    live = secrets(partner.partner_id)
    if live is None:
        return "suspended, without a user on Kafka"
    return "suspended" if live else "offboarded"
