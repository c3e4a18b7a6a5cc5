"""Few errors, named by what follows from them: try again, isolate the record, or stop."""

from enum import Enum

import asyncpg
from aiokafka.errors import KafkaError


class FailureCause(Enum):
    """What a failed transaction says about its cause."""

    TRANSIENT = "transient"
    """The surroundings failed. The same batch is tried again for as long as it takes."""
    DOUBTFUL = "doubtful"
    """A time limit passed: the surroundings, or a record that always takes too long. Tried again for as long as the
    surroundings do not answer, and a few times while they do."""
    POISON = "poison"
    """A record, or our code, is wrong. Trying again cannot help."""


DOUBTFUL_ATTEMPTS = 3
DOUBTFUL_ATTEMPTS_TOGETHER = 2
"""Fewer while there are other records to tell apart from the one that takes too long."""


class Abandoned(Exception):  # noqa: N818 - not a fault
    """The batch is abandoned without effect: its partitions are moving, or the service drains. It will come again."""


class TooManyDeadLettersError(Exception):
    """More records fail than one record's fault can explain. The service stops rather than empties its topic."""


class TooMuchAtOnceError(Exception):
    """The records of a batch bring about more than one transaction should write: they are taken in halves."""


class ConfigurationError(Exception):
    """A setting or a policy cannot be used. The text names the key, never its value."""


class MessageTooLargeError(Exception):
    """A handler published a message that no topic would take."""


_TRANSIENT_SQLSTATES = ("08", "0A", "26", "28", "3D", "3F", "40", "42", "53", "55", "57", "58")
"""What no value of a record can bring about, as every statement is ours and always the same: a connection, a password or a
right that was changed (08, 28, 42501), a database, a schema, a table or a column that is not there or is otherwise than our
migrations left it (3D, 3F, 42, 55, 0A), prepared statements that somebody threw away (26, 42P05), rollback, resources,
shutdown, system. The service waits and is not ready. It goes on by itself once the database is as it should be."""
_TRANSIENT = (
    asyncpg.LockNotAvailableError,
    asyncpg.ReadOnlySQLTransactionError,
    asyncpg.IdleInTransactionSessionTimeoutError,
    asyncpg.InternalClientError,
    # A migration changed a table under prepared statements; the driver prepares them again.
    asyncpg.InvalidCachedStatementError,
    KafkaError,
    ConnectionError,
    OSError,
)
_ENDS_THE_SESSION = ("FATAL", "PANIC")
"""Severities with which PostgreSQL refuses a session or ends it. No record does that, so whatever its SQLSTATE, it is the
surroundings: a database that takes no connections for a while, a limit of the role, a time limit of the session."""
_CLOSED = (
    "connection is closed",
    "connection has been released",
    "connection was closed",
    "pool is",
    # So it says where the session's end met it between two steps of one operation.
    "another operation is in progress",
)


def classify(error: BaseException) -> FailureCause:
    """Whether to try the same again."""
    if isinstance(error, TimeoutError | asyncpg.QueryCanceledError | asyncpg.InternalServerError):
        return FailureCause.DOUBTFUL
    if isinstance(error, _TRANSIENT):
        return FailureCause.TRANSIENT
    if isinstance(error, asyncpg.PostgresError):
        ended = getattr(error, "severity_en", None) in _ENDS_THE_SESSION
        transient = ended or (error.sqlstate or "").startswith(_TRANSIENT_SQLSTATES)
        return FailureCause.TRANSIENT if transient else FailureCause.POISON
    if _connection_is_gone(error):
        return FailureCause.TRANSIENT
    return FailureCause.POISON


def worth_retrying(error: BaseException, attempt: int, doubtful_attempts: float = DOUBTFUL_ATTEMPTS) -> bool:
    """Whether the attempt of this number (1 is the first), which failed so, is followed by another."""
    verdict = classify(error)
    return verdict is FailureCause.TRANSIENT or (verdict is FailureCause.DOUBTFUL and attempt < doubtful_attempts)


def _connection_is_gone(error: BaseException) -> bool:
    # asyncpg raises the same class for a closed connection and for a caller's mistake; only the text differs.
    if not isinstance(error, asyncpg.InterfaceError) or isinstance(error, asyncpg.DataError):
        return False
    return any(text in str(error) for text in _CLOSED)


def is_caused_by(error: BaseException, kind: type[BaseException]) -> bool:
    """Whether it is an error of this kind, or libraries made it of one."""
    found: BaseException | None = error
    while found is not None and not isinstance(found, kind):
        found = found.__cause__ or found.__context__
    return found is not None


def class_name(error: BaseException) -> str:
    """The error's class, which is all that logs, metrics and dead letters may say of it: texts hold values."""
    kind = type(error)
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
