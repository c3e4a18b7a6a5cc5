"""What is kept of national advice as content: the notes, and what forces say of them."""

from conduit_contracts.base import Value


class AdviceWords(Value):
    """What forces are advised to do, and why."""

    title: str
    words: str


class AdviceAnswerWords(Value):
    """What a force says beside its answer."""

    words: str


class AdviceEndWords(Value):
    """Why a note was withdrawn."""

    words: str
