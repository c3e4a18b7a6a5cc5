"""What is kept of practice questions as content."""

from conduit_contracts.base import Value


class PracticeWords(Value):
    """What somebody wrote in a conversation."""

    words: str
