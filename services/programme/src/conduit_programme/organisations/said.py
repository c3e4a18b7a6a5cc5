"""What is kept of organisations as content: their own words, and who to ask there."""

from conduit_contracts.base import Value


class OfferWords(Value):
    """What an organisation says of itself."""

    words: str


class ContactWords(Value):
    """A role, and how to reach whoever has it."""

    role: str
    name: str = ""
    telephone: str = ""
    email: str = ""
    on_duty: str = ""
    """When they answer."""


class AgreementWords(Value):
    """What was agreed, between whom, and on what ground."""

    scope: str = ""
    parties: str = ""
    signatories: str = ""
    ground: str = ""
    """The data protection ground."""
    assessment: str = ""
    """Where the data protection impact assessment is."""
    document: str = ""
    """Where the signed document is."""
