"""SQL of the directory: organisations by what they bring, by name and by key.

What an organisation brings is what all brings that it is made of: the same as `rules.together` says of a row that is shown.
"""

from dataclasses import dataclass
from uuid import UUID

from conduit_chassis.postgres import Connection
from conduit_programme.organisations import rules, store
from conduit_programme.organisations.rules import OrganisationOffer
from conduit_web.keys import FIRST_ID, identity
from conduit_web.lists import FETCH, ListPage, list_page, read_key

_FOUND = f"""
SELECT standing.organisation_id, standing.name, lower(standing.name) AS by_name FROM organisations AS standing
WHERE standing.merged_into IS NULL AND (lower(standing.name), standing.organisation_id) > ($1, $2)
AND EXISTS (
    SELECT FROM offers WHERE offers.organisation_id = ANY(standing.organisation_id || ARRAY(
        SELECT part.organisation_id FROM organisations AS part WHERE part.merged_into = standing.organisation_id
    ))
    AND (everywhere OR youngest IS NOT NULL OR oldest IS NOT NULL
        OR services <> '{{}}' OR expertise <> '{{}}' OR force_ids <> '{{}}' OR languages <> '{{}}')
    HAVING count(*) > 0
    AND ($3 = '' OR bool_or(services @> ARRAY[$3::text]))
    AND ($4 = '' OR bool_or(everywhere OR force_ids @> ARRAY[$4::text]))
    AND ($5 = '' OR bool_or(languages @> ARRAY[$5::text]))
    AND ($6::integer IS NULL OR bool_or(coalesce(youngest, 0) <= $6) AND bool_or(coalesce(oldest, $6) >= $6))
)
ORDER BY lower(standing.name), standing.organisation_id LIMIT {FETCH}
"""  # noqa: S608 - constants


@dataclass(frozen=True, slots=True)
class WantedOrganisations:
    """What somebody looks for; whatever is empty is of no account."""

    service: str = ""
    force_id: str = ""
    language: str = ""
    age: int | None = None


@dataclass(frozen=True, slots=True)
class DirectoryRow:
    """One organisation with what it brings."""

    organisation_id: UUID
    name: str
    offer: OrganisationOffer


async def found(connection: Connection, wanted: WantedOrganisations, after: str | None) -> ListPage[DirectoryRow]:
    """Those that bring it, by name. One that says nothing of what it brings is not among them."""
    name, last = read_key(after, str, str) or ("", str(FIRST_ID))
    asked = (wanted.service, wanted.force_id, wanted.language, wanted.age)
    rows = await connection.fetch(_FOUND, name, identity(str(last)), *asked)
    page = list_page(rows, lambda row: (row["by_name"], str(row["organisation_id"])))
    brought = await store.offers_by_standing(connection, [row["organisation_id"] for row in page.rows])
    shown = [
        DirectoryRow(row["organisation_id"], row["name"], rules.together(brought[row["organisation_id"]]))
        for row in page.rows
    ]
    return ListPage(shown, page.after)
