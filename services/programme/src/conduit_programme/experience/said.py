"""What is kept of lived experience as content. All of it is deleted by id."""

from conduit_contracts.base import Value


class ContributorName(Value):
    """The pseudonym that the partner chose. Only the partner knows whose it is."""

    pseudonym: str


class ContributorContact(Value):
    """How to reach a contributor who asked not to be reached through the partner."""

    words: str


class QuoteWords(Value):
    """What a contributor said."""

    words: str


class ReleaseTitle(Value):
    """What a release is called."""

    title: str
