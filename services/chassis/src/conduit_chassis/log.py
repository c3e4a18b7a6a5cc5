"""JSON logs on stdout, from every library, through one redactor.

What is not on the list of keys does not appear, nor does any text of a foreign exception or message: those hold values
from records, and records hold personal data.
"""

import logging
import sys
from collections.abc import Callable, Iterable, Mapping, MutableMapping
from datetime import date, datetime, timedelta
from pathlib import Path
from time import monotonic
from types import TracebackType
from typing import Any
from uuid import UUID

import structlog

from conduit_chassis.errors import class_name

LONGEST = 200
QUIET_SECONDS = 60.0
SAID = 10
MOST_REMEMBERED = 1_000
_WHICH = ("name", "tick", "worker", "topic", "reason", "shard", "method", "path")
"""What else tells one thing from another, and has few values."""
KEYS = frozenset(
    {
        "event",
        "level",
        "timestamp",
        "service",
        "logger",
        "error",
        "at",
        "attempt",
        "attempts",
        "seconds",
        "records",
        "batches",
        "count",
        "topic",
        "partition",
        "offset",
        "ended",
        "goes_on",
        "reason",
        "repeated",
        "outcome",
        "shard",
        "tick",
        "worker",
        "port",
        "host",
        "version",
        "migration",
        "migrations",
        "state",
        "problem",
        "code",
        "problems",
        "partitions",
        "group",
        "action",
        "event_id",
        "referral_id",
        "case_id",
        "correlation_id",
        "partner_id",
        "client_id",
        "force_id",
        "policy_version",
        "status",
        "method",
        "path",
        "step",
        "name",
        "dropped",
        "duplicates",
        "rows",
        "missing",
        "limit",
        "window",
        "signal",
        "listener",
    }
)
"""What may be logged. `name` is a tick's, worker's or service's, never a person's; `client_id` one that the hub gave."""

_allowed: set[str] = set(KEYS)
_LITERAL_TEMPLATES = ("aiokafka", "opentelemetry", "uvicorn")
"""Libraries that pass literal templates and put values into the arguments. Of the others only the place is logged."""
_QUIETEST = {
    "aiokafka": logging.WARNING,
    # It says of each batch, ten times a second, that it tries it again; the relay says once that the topic is held.
    "aiokafka.producer.sender": logging.ERROR,
    "faststream": logging.WARNING,
    "asyncio": logging.WARNING,
    "yoyo": logging.WARNING,
    "httpx": logging.WARNING,
}


def configure(service: str, level: str = "INFO", keys: Iterable[str] = ()) -> None:
    """Send structlog's and the standard library's logs to stdout as JSON. `keys` may appear besides `KEYS`."""
    _allowed.update(keys)
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _name_exception,
            Calm(),
            redact,
            structlog.processors.JSONRenderer(sort_keys=False),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.WriteLoggerFactory(),
        cache_logger_on_first_use=False,
    )
    structlog.contextvars.clear_contextvars()
    _route_standard_library(service, level)


def _route_standard_library(service: str, level: str) -> None:
    # Libraries bring handlers of their own, which print whatever they are given.
    for logger in logging.root.manager.loggerDict.values():
        if isinstance(logger, logging.Logger):
            logger.handlers, logger.propagate = [], True
    root = logging.getLogger()
    root.handlers = [_Foreign(service)]
    root.setLevel(level)
    for name, quietest in _QUIETEST.items():
        logging.getLogger(name).setLevel(max(quietest, logging.getLevelName(level)))


class Calm:
    """Says the same thing a few times, and then counts it until a while has passed.

    The same is what comes from the same place of the code for the same reason. The next line after the while says how often
    it was not said.
    """

    def __init__(self, now: Callable[[], float] = monotonic) -> None:
        self._now = now
        self._said: dict[tuple[str, ...], tuple[float, int]] = {}

    def __call__(self, _logger: Any, method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        """For structlog.

        Raises:
            structlog.DropEvent: it was said often enough of late.
        """
        if method == "debug":
            return event
        key = tuple(str(_safe(event.get(name))) for name in ("event", "level", "logger", "error", *_WHICH))
        now = self._now()
        since, count = self._said.get(key, (now, 0))
        if now - since >= QUIET_SECONDS:
            if count > SAID:
                event["repeated"] = count - SAID
            since, count = now, 0
        if len(self._said) >= MOST_REMEMBERED:
            self._said.clear()
        self._said[key] = (since, count + 1)
        if count >= SAID:
            raise structlog.DropEvent
        return event


def redact(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> Mapping[str, Any]:
    """Drop what is not on the list and shorten what is too long; say which keys were dropped."""
    safe = {key: _safe(value) for key, value in event.items() if key in _allowed}
    dropped = sorted(key for key in event if key not in _allowed)
    if dropped:
        safe["dropped"] = dropped
    return safe


def _safe(value: Any) -> Any:
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, str | UUID | datetime | date | timedelta):
        text = str(value)
        return text if len(text) <= LONGEST else f"<{len(text)} characters>"
    if isinstance(value, list | tuple | set | frozenset):
        return [_safe(item) for item in list(value)[:50]]
    if isinstance(value, BaseException):
        return class_name(value)
    return f"<{type(value).__name__}>"


def _name_exception(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    raised = event.pop("exc_info", None)
    error = sys.exc_info()[1] if raised is True else raised[1] if isinstance(raised, tuple) else raised
    if isinstance(error, BaseException):
        event["error"] = class_name(error)
        event["at"] = where(error.__traceback__)
    return event


def where(traceback: TracebackType | None) -> list[str]:
    """Where an error passed, as file:line:function: our own frames and the innermost one."""
    frames = []
    while traceback is not None:
        code = traceback.tb_frame.f_code
        frames.append((code.co_filename, f"{Path(code.co_filename).name}:{traceback.tb_lineno}:{code.co_name}"))
        traceback = traceback.tb_next
    ours = [place for filename, place in frames if "conduit_" in filename]
    return [*ours[-6:], *(place for _, place in frames[-1:] if place not in ours)]


class _Foreign(logging.Handler):
    """Logs of the libraries, reduced to what cannot hold a value."""

    def __init__(self, service: str) -> None:
        super().__init__()
        self._service = service

    def emit(self, record: logging.LogRecord) -> None:
        fields: dict[str, Any] = {"logger": record.name, "at": [f"{record.module}:{record.lineno}:{record.funcName}"]}
        if record.exc_info and record.exc_info[1] is not None:
            fields["error"] = class_name(record.exc_info[1])
            fields["at"] += where(record.exc_info[2])
        structlog.get_logger().log(record.levelno, describe(record), service=self._service, **fields)


def describe(record: logging.LogRecord) -> str:
    """A library's message without its values: the template, filled with numbers and class names only."""
    if not record.name.startswith(_LITERAL_TEMPLATES) or not isinstance(record.msg, str):
        return "library_message"
    if not record.args:
        return record.msg
    arguments = record.args if isinstance(record.args, tuple) else (record.args,)
    try:
        return record.msg % tuple(_argument(argument) for argument in arguments)
    except (TypeError, ValueError):
        return record.msg


def _argument(value: object) -> Any:
    if isinstance(value, bool | int | float):
        return value
    return class_name(value) if isinstance(value, BaseException) else f"<{type(value).__name__}>"
