"""What may be shown of what people told: whether they still agree is asked at each read, and nothing is kept of the answer.

Whatever shows a quote elsewhere keeps its id, and asks `words` when it is read.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from conduit_chassis.postgres import Connection
from conduit_programme import content
from conduit_programme.experience import released, rules, store, talks
from conduit_programme.experience.released import KnownRelease, ReleaseRevision
from conduit_programme.experience.rules import ConsentLine, ConsentPurpose, WellbeingMoment
from conduit_programme.experience.said import QuoteWords
from conduit_programme.experience.store import KeptQuote, KnownContributor
from conduit_programme.experience.talks import KnownConversation, WellbeingCheck
from conduit_programme.organisations import store as organisations


@dataclass(frozen=True, slots=True)
class ShownConversation:
    """A conversation, with its two wellbeing checks."""

    conversation: KnownConversation
    checks: Mapping[WellbeingMoment, WellbeingCheck]

    @property
    def may_be_held(self) -> bool:
        """Whether it may begin."""
        before = self.checks[WellbeingMoment.BEFORE]
        return self.conversation.held_on is None and rules.may_be_held(before.outcome)


@dataclass(frozen=True, slots=True)
class ShownContributor:
    """All that a contributor's page shows."""

    known: KnownContributor
    pseudonym: str
    partner: str
    contact: str
    stand: frozenset[ConsentPurpose]
    last: Mapping[ConsentPurpose, ConsentLine]
    conversations: Sequence[ShownConversation]
    quotes: Mapping[UUID, str]
    """Words by quote, in order."""

    @property
    def review_by(self) -> date:
        """When somebody must have asked again about all consents."""
        return rules.next_anniversary(self.known.reviewed_on)


@dataclass(frozen=True, slots=True)
class ListedContributor:
    """A line of a list."""

    known: KnownContributor
    pseudonym: str
    partner: str
    stand: frozenset[ConsentPurpose]

    @property
    def review_by(self) -> date:
        """When somebody must have asked again about all consents."""
        return rules.next_anniversary(self.known.reviewed_on)


@dataclass(frozen=True, slots=True)
class ShownPlace:
    """A passage of a release: its words, or the gap where they were."""

    place: int
    words: str | None
    gone_in: int | None


@dataclass(frozen=True, slots=True)
class ShownRelease:
    """A release as it is now."""

    known: KnownRelease
    title: str
    places: Sequence[ShownPlace]
    revisions: Sequence[ReleaseRevision]


async def words(connection: Connection, quotes: Iterable[KeptQuote], needed: ConsentPurpose) -> dict[UUID, str]:
    """What these say, in their order, as far as who said it agrees to this now."""
    asked = list(quotes)
    stand = await store.standing_of(connection, {each.contributor_id for each in asked})
    allowed = [each for each in asked if needed in stand[each.contributor_id]]
    said = await content.read(connection, QuoteWords, [each.words_id for each in allowed])
    return {each.quote_id: said[each.words_id].words for each in allowed if each.words_id in said}


async def contributor(connection: Connection, known: KnownContributor) -> ShownContributor:
    """Read one whole. Note the view before it is shown."""
    one = known.contributor_id
    partner = await organisations.find(connection, known.organisation_id)
    lines = await store.consents(connection, one)
    return ShownContributor(
        known,
        (await store.pseudonyms(connection, [known])).get(one, ""),
        partner.name if partner else "",
        await store.contact_words(connection, known),
        (await store.standing_of(connection, [one]))[one],
        {line.purpose: line for line in lines},
        await conversations(connection, one),
        await words(connection, await store.quotes_of(connection, one), ConsentPurpose.RECORD),
    )


async def conversations(connection: Connection, contributor_id: UUID) -> list[ShownConversation]:
    """With one contributor, the newest first."""
    known = await talks.of(connection, contributor_id)
    checks = await talks.checks(connection, [each.conversation_id for each in known])
    return [
        ShownConversation(each, {moment: checks[each.conversation_id, moment] for moment in WellbeingMoment})
        for each in known
    ]


async def listed(connection: Connection, known: Sequence[KnownContributor]) -> list[ListedContributor]:
    """These, as a list shows them."""
    names = await store.pseudonyms(connection, known)
    stand = await store.standing_of(connection, [each.contributor_id for each in known])
    of = await organisations.standing(connection)
    partners = await organisations.names(connection, {of[each.organisation_id] for each in known})
    return [
        ListedContributor(
            each, names.get(each.contributor_id, ""), partners[of[each.organisation_id]], stand[each.contributor_id]
        )
        for each in known
    ]


async def release(connection: Connection, known: KnownRelease) -> ShownRelease:
    """What is left of it, with its gaps."""
    places = await released.places(connection, known.release_id)
    kept = await store.quotes(connection, [each.quote_id for each in places if each.gone_in is None])
    said = await words(connection, kept.values(), ConsentPurpose.PUBLISH)
    return ShownRelease(
        known,
        (await released.titles(connection, [known])).get(known.release_id, ""),
        [ShownPlace(each.place, said.get(each.quote_id), each.gone_in) for each in places],
        await released.revisions(connection, known.release_id),
    )


async def publishable(connection: Connection, after: str | None) -> tuple[dict[UUID, str], str | None]:
    """What may be published, the newest first, and where more begin."""
    found = await store.newest_quotes(connection, after)
    return await words(connection, found.rows, ConsentPurpose.PUBLISH), found.after
