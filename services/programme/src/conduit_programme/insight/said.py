"""What is kept of insights as content: what was heard, and what the hub answered."""

from conduit_contracts.base import Value


class HeardWords(Value):
    """What somebody said."""

    words: str


class InsightAnswerWords(Value):
    """What changed, or why it could not."""

    words: str
    evidence: str = ""
    """Where one can see that it changed."""


class MeasureWords(Value):
    """What is measured, how it is counted, and with whom that was agreed."""

    name: str
    how: str = ""
    agreed_with: str = ""


class MeasureReadingWords(Value):
    """Where a figure comes from, and what it shows."""

    source: str
    shows: str = ""
