"""Everybody in the registers by the account under which what they do is kept: what pages call them, and who may do what."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from conduit_chassis.people import RegisterBehindError, account_of, may_come_in
from conduit_contracts.programme import PersonRegistered
from conduit_web.access import Action, reaches_of
from conduit_web.people import person_of
from conduit_web.troubles import Trouble, TroubleError


class EverybodyKnown(Protocol):
    """Who stands in the registers."""

    def everybody(self) -> Iterable[PersonRegistered]:
        """All, whether or not they may come in now.

        Raises:
            RegisterBehindError: it is not known how the registers stand now.
        """
        ...


@dataclass(frozen=True, slots=True)
class Accounts:
    """Everybody by account, at a moment."""

    known: Mapping[str, PersonRegistered]
    at: datetime

    def name(self, account: str) -> str:
        """What pages call them: what they do, with their account where several do the same or the register says nothing."""
        person = self.known.get(account)
        if person is None or not person.shown_as:
            return account
        alone = sum(each.shown_as == person.shown_as for each in self.known.values()) == 1
        return person.shown_as if alone else f"{person.shown_as} ({account})"

    def who_may(self, action: Action) -> list[tuple[str, str]]:
        """Accounts and names of those whose role lets them do this now, by name: to them something to do may be given."""
        found = [
            (account, self.name(account))
            for account, person in self.known.items()
            if may_come_in(person, self.at) and reaches_of(action, person_of(person))
        ]
        return sorted(found, key=lambda each: each[1])


def accounts_of(people: EverybodyKnown, at: datetime) -> Accounts:
    """Everybody as they are now.

    Raises:
        TroubleError: it is not known how the registers stand now.
    """
    try:
        return Accounts({account_of(each): each for each in people.everybody()}, at)
    except RegisterBehindError:
        raise TroubleError(Trouble.UNAVAILABLE) from None
