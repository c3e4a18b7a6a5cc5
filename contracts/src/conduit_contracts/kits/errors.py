"""What can go wrong in a kit, named by what the caller has to do. No text repeats a value from a record."""

from collections.abc import Sequence

from conduit_contracts.danger import CODE
from conduit_contracts.problems import Problem


class KitError(Exception):
    """Any error of a kit's own."""


class MissingExtraError(KitError, ImportError):
    """A client library is not installed; the text says how to install it."""


class SettingsError(KitError, ValueError):
    """A setting is missing or cannot be used; the text names it."""


class InvalidError(KitError, ValueError):
    """The hub would refuse this, so it was not sent. Correct what `problems` name: the hub would answer the same."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("; ".join(each.message if each.code == CODE else _line(each) for each in problems))
        self.problems = tuple(problems)


def _line(problem: Problem) -> str:
    return f"{problem.field}: {problem.code}: {problem.message}"


class UnconfirmedError(KitError):
    """It may or may not have arrived. Send the same submission again, with the same event id: the hub takes it once."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"not confirmed ({reason}); it may have arrived, so send the same again under the same event id")
        self.reason = reason


class HandlerFailedError(KitError):
    """The handler failed on one message again and again. The kit stops here, so that it skips no case."""

    def __init__(self, event_id: str, attempts: int, error: str) -> None:
        super().__init__(
            f"the handler failed {attempts} times on event {event_id}, at last with {error}; "
            "correct it and start again: the message is still there"
        )
        self.event_id = event_id
