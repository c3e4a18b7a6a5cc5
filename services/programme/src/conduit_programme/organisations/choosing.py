"""Which organisations a form offers: those that match what somebody searched for, and those that are chosen already.

A form has a search where there are more than it offers at once. To search is one of its buttons, so that what was filled in
stays, and nothing needs a script.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from conduit_chassis.postgres import Connection
from conduit_programme.forms import FIND, NameSearch
from conduit_programme.organisations.store import COLUMNS, KnownOrganisation, organisation_of
from conduit_web.visits import typed

MOST_OFFERED = 100
_CHOOSE = f"""
SELECT {COLUMNS} FROM organisations WHERE merged_into IS NULL AND {{which}} ORDER BY lower(name), organisation_id
"""  # noqa: S608 - constants
_MATCHING = _CHOOSE.format(which="strpos(lower(name), lower($1)) > 0") + " LIMIT $2"
_CHOSEN = _CHOOSE.format(which="organisation_id = ANY($1::uuid[])")
_ID = re.compile(r"(?:[a-z]+-)*([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})")


@dataclass(frozen=True, slots=True)
class OfferedOrganisations:
    """From these somebody chooses."""

    known: Sequence[KnownOrganisation]
    search: NameSearch | None
    """Where there are more."""

    @property
    def names(self) -> dict[str, str]:
        """What they are called, by id."""
        return {str(each.organisation_id): each.name for each in self.known}


async def offered(connection: Connection, form: Mapping[str, str], also: Iterable[UUID] = ()) -> OfferedOrganisations:
    """By name, those first that the form, or an address, names already; `also` these, which something known names."""
    find = typed(form, FIND)
    matching = await _organisations(connection, _MATCHING, find, MOST_OFFERED + 1)
    chosen = await _organisations(connection, _CHOSEN, [*also, *_named_in(form)])
    search = NameSearch(find, found=bool(matching)) if find or len(matching) > MOST_OFFERED else None
    shown = matching[:MOST_OFFERED]
    return OfferedOrganisations([*(each for each in chosen if each not in shown), *shown], search)


async def _organisations(connection: Connection, statement: str, *asked: object) -> list[KnownOrganisation]:
    return [found for row in await connection.fetch(statement, *asked) if (found := organisation_of(row))]


def _named_in(form: Mapping[str, str]) -> set[UUID]:
    """Ids of the answers; those of several are part of their fields' names. One that is no organisation's finds none."""
    found = (_ID.fullmatch(text) for pair in form.items() for text in pair)
    return {UUID(each[1]) for each in found if each}
