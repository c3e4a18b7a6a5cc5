"""What has to change so that a partner or force may take part, or may no longer: plans, made without touching anything.

A plan holds only what is not so already; carried out twice, the second one is empty. Topics are never removed, nor the
services' access to them: what a partner sent is still read, and what it is owed can still be written.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import replace

from conduit_contracts.geography import forces
from conduit_contracts.programme import Mou, PartnerRegistered
from conduit_contracts.registering import RegisterEntry
from conduit_contracts.topics import FORCE, PARTNER, TopicSpec, specs
from conduit_operate.access import Rule, generation_of, identities, rules_of, user_of
from conduit_operate.http_clients import AwayError, Secrets
from conduit_operate.plans import Plan, Standing, differences
from conduit_operate.quotas import Limits

UNTOLD = 1000
"""No release before 0.2 wrote down the number of the last user, and nobody's credentials were changed so many times."""


class OnboardingError(ValueError):
    """It cannot be done as asked; the text says what to do instead."""


class MisuseError(OnboardingError):
    """It could never be done, whatever stands: what was typed is wrong."""


class UnknownError(OnboardingError):
    """There is no such partner, force or other thing."""


def onboard(standing: Standing, entry: RegisterEntry, limits: Limits | None = None, http: Sequence[str] = ()) -> Plan:
    """Everything that a partner or force needs to take part. What it has already stays; a suspension stays as well.

    `http` are its clients of the HTTP API.
    """
    if standing.kind == FORCE and standing.identity not in forces():
        raise UnknownError(f"there is no force {standing.identity!r}{_nearest(standing.identity, forces())}")
    if http:
        _must_know_http(standing)
    known = standing.own_users if standing.secured else []
    made = () if known or not standing.secured else _successor(standing)
    return replace(
        _registering(standing, entry, made),
        users=made,
        grants=_missing(standing, [*known, *made]),
        quotas=_quotas(standing, [*known, *made], limits),
        topics=tuple(spec for spec in _specs(standing) if spec.name not in standing.topics),
        http_made=tuple(client_id for client_id in http if client_id not in standing.http),
    )


def rotate(standing: Standing) -> Plan:
    """New credentials beside those it has, so that nobody is locked out while they change."""
    _must_know_http(standing)
    known = _known_users(standing)
    changing = [*known[1:], *(name for name, secrets in standing.http.items() if len(secrets) > 1)]
    if changing:
        raise OnboardingError(
            f"{standing.name} is changing its credentials already ({', '.join(changing)}); once the new ones are in use, "
            f"end the old with `conduit {standing.kind} rotate {standing.identity} --finish`"
        )
    made = _successor(standing) if known else ()
    limits = standing.quotas.get(known[0]) if known else None
    return replace(
        _registering(standing, standing.entry, made) if standing.entry else Plan(standing.name),
        users=made,
        grants=_missing(standing, [*known, *made]),
        quotas={user: limits for user in made if limits},
        http_made=tuple(standing.http),
        overlaps=True,
    )


def finish_rotation(standing: Standing) -> Plan:
    """The newest of each stays, those before it can no longer come in. Empty where there is only one."""
    return _without(standing, _known_users(standing)[:-1], {name: secrets[:-1] for name, secrets in standing.http.items()})


def suspend(standing: Standing, mou: str | None = None, *, wholly: bool = False) -> Plan:
    """New referrals are refused, under one MoU or under all; running cases go on, unless the partner is suspended wholly."""
    if wholly:
        return _registering(standing, _shut_out(standing))
    entry = _partner(standing)
    return _registering(standing, entry.model_copy(update={"mous": _mous(entry, mou, suspended=True)}))


def resume(standing: Standing, mou: str | None = None) -> Plan:
    """Lift the suspension of one MoU, or every suspension there is."""
    entry = _partner(standing)
    changes: dict[str, object] = {"mous": _mous(entry, mou, suspended=False)}
    if mou is None:
        changes["suspended"] = False
    plan = _registering(standing, entry.model_copy(update=changes))
    return replace(plan, shut_out=standing.secured and not (standing.own_users or standing.http or standing.http_away))


def offboard(standing: Standing) -> Plan:
    """Nothing more is taken from the partner, and nobody comes in as it. Its running cases go on without it."""
    suspended = suspend(standing, wholly=True)
    leaving = _without(standing, standing.own_users, standing.http)
    return replace(leaving, entry=suspended.entry, stood=suspended.stood, changes=suspended.changes)


def merged_mous(standing: Mapping[str, Mou], added: Sequence[Mou]) -> tuple[Mou, ...]:
    """The MoUs by reference. One that stands is replaced, and stays suspended if it was."""
    found = dict(standing)
    for mou in added:
        before = found.get(mou.reference)
        found[mou.reference] = mou.model_copy(update={"suspended": before.suspended}) if before else mou
    return tuple(found.values())


def _without(standing: Standing, users: Sequence[str], secrets: Secrets) -> Plan:
    kept = [user for user in standing.own_users if user not in users]
    rules = set(rules_of(standing.kind, standing.identity, kept))
    lost = [rule for rule in sorted(standing.rules) if rule.principal in users and rule not in rules]
    return Plan(
        standing.name,
        quotas={user: None for user in users if user in standing.quotas},
        revokes=tuple(lost),
        removed_users=tuple(users),
        http_ended=tuple((client_id, each) for client_id, ended in secrets.items() for each in ended),
        http_unknown=standing.http_away,
    )


def _must_know_http(standing: Standing) -> None:
    if standing.http_away:
        raise OnboardingError(f"{AwayError()}; nothing was changed, do it again once it is back")


def _registering(standing: Standing, entry: RegisterEntry, made: Sequence[str] = ()) -> Plan:
    """The entry with the number of its newest user, where that differs from what stands."""
    numbers = [_number(standing, user) for user in (*standing.own_users, *made)]
    newest = max([entry.generation or 0, _generation(standing), *numbers])
    entry = entry.model_copy(update={"generation": newest or None})
    if entry == standing.entry and not standing.unreadable:
        return Plan(standing.name)
    changes = differences(standing.entry, entry) or ["written again: the last record cannot be read"]
    return Plan(standing.name, entry=entry, stood=standing.entry, changes=tuple(changes))


def _missing(standing: Standing, users: Sequence[str]) -> tuple[Rule, ...]:
    if not standing.secured:
        return ()
    return tuple(rule for rule in rules_of(standing.kind, standing.identity, users) if rule not in standing.rules)


def _quotas(standing: Standing, users: Sequence[str], limits: Limits | None) -> Mapping[str, Limits | None]:
    if limits is None or not standing.secured:
        return {}
    wanted = {user: {**standing.quotas.get(user, {}), **limits} for user in users}
    return {user: each for user, each in wanted.items() if each != standing.quotas.get(user)}


def _specs(standing: Standing) -> list[TopicSpec]:
    ids = {standing.kind: (standing.identity,)}
    made = specs(ids.get(PARTNER, ()), ids.get(FORCE, ()))
    return [spec for spec in made if identities(standing.kind, [spec.name])]


def _known_users(standing: Standing) -> list[str]:
    """Empty only where credentials of the HTTP API are all it has."""
    if not standing.own_users and not standing.http:
        _must_know_http(standing)
        if standing.entry is None and not standing.unreadable:
            raise UnknownError(f"{standing.name} is not in the register; `conduit {standing.kind} onboard` puts it there")
        what = f"has no credentials; `conduit {standing.kind} onboard` makes them"
        raise OnboardingError(f"{standing.name} {what if standing.secured else 'needs no credentials on this broker'}")
    return standing.own_users


def _successor(standing: Standing) -> tuple[str]:
    """A user of a number that was never used: a connection that is still open as an earlier one gains nothing by it."""
    newest = max([_generation(standing), *(_number(standing, user) for user in standing.own_users)])
    if not newest and _was_here(standing):
        newest = UNTOLD
    return (user_of(standing.kind, standing.identity, newest + 1),)


def _number(standing: Standing, user: str) -> int:
    return generation_of(standing.kind, standing.identity, user) or 1


def _generation(standing: Standing) -> int:
    return max(standing.numbered, (standing.entry.generation or 0) if standing.entry else 0)


def _was_here(standing: Standing) -> bool:
    """Whether it took part before. Topics are never removed."""
    known = identities(standing.kind, standing.topics)
    return standing.entry is not None or standing.unreadable or standing.identity in known


def _shut_out(standing: Standing) -> PartnerRegistered:
    """The entry, suspended wholly. Where there is none that can be read, credentials must still be shut out."""
    if standing.entry is None and (standing.unreadable or standing.own_users or standing.http):
        return PartnerRegistered(partner_id=standing.identity, name=standing.identity, suspended=True)
    return _partner(standing).model_copy(update={"suspended": True})


def _partner(standing: Standing) -> PartnerRegistered:
    if not isinstance(standing.entry, PartnerRegistered):
        how = "`conduit partner onboard` puts it there"
        if not standing.unreadable:
            raise UnknownError(f"{standing.name} is not in the register; {how}")
        also = "`suspend --wholly` and `offboard` shut it out as it is"
        raise OnboardingError(f"{standing.name} has no entry that can be read; {how}; {also}")
    return standing.entry


def _mous(entry: PartnerRegistered, reference: str | None, *, suspended: bool) -> tuple[Mou, ...]:
    references = [mou.reference for mou in entry.mous]
    if reference is not None and reference not in references:
        raise UnknownError(f"{entry.partner_id} has no MoU {reference!r}; it has {', '.join(references) or 'none'}")
    return tuple(
        mou.model_copy(update={"suspended": suspended}) if reference in (None, mou.reference) else mou for mou in entry.mous
    )


def _nearest(name: str, known: Mapping[str, object]) -> str:
    close = difflib.get_close_matches(name, known, n=3)
    return f"; is it {' or '.join(close)}?" if close else f"; there are {', '.join(known)}"
