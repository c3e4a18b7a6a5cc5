"""Spans from a partner's record or request to a force's record, sent by OTLP. Off unless the environment says where to.

Whether there is tracing is decided once, at a service's start. While it is off, nobody watches the service but its metrics,
and nothing of OpenTelemetry's SDK is loaded. While it is on, observers make the spans.
"""

import os
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from starlette.types import ASGIApp

from conduit_chassis.errors import ConfigurationError
from conduit_chassis.observers import Observers
from conduit_chassis.runtime import Tick

_ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
_PROTOCOLS = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
_EXPORTER = "OTEL_TRACES_EXPORTER"
_SPOKEN = "http/protobuf"


async def _nothing() -> None:
    return


@dataclass(frozen=True)
class Tracing:
    """What makes a service's spans. By default nothing does."""

    observers: Observers = Observers()  # noqa: RUF009 - it is frozen
    serve: Callable[[str, ASGIApp], ASGIApp] = lambda _prefix, app: app
    """Given the path's prefix and the application under it."""
    ticks: tuple[Tick, ...] = ()
    end: Callable[[], Awaitable[Any]] = _nothing
    """Sends what is left, for a few seconds at most."""


def for_service(service: str, environ: Mapping[str, str] = os.environ) -> Tracing:
    """A service's tracing, by OpenTelemetry's own environment variables.

    Raises:
        ConfigurationError: they ask for an exporter or a protocol that there is not.
    """
    if not asked_for(environ):
        return Tracing()
    from conduit_chassis.tracing.setup import start  # noqa: PLC0415 - it loads the SDK

    return start(service, environ)


def asked_for(environ: Mapping[str, str]) -> bool:
    """Whether spans are wanted: an OTLP endpoint or exporter is named, and nothing says otherwise.

    Raises:
        ConfigurationError: as `for_service`.
    """
    if environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        return False
    exporter = environ.get(_EXPORTER, "").strip()
    if exporter == "none" or not (exporter or any(environ.get(name) for name in _ENDPOINTS)):
        return False
    if exporter not in ("", "otlp"):
        raise ConfigurationError(f"{_EXPORTER} can be otlp or none")
    protocol = next((environ[name] for name in _PROTOCOLS if environ.get(name)), _SPOKEN)
    if protocol != _SPOKEN:
        raise ConfigurationError(f"{_PROTOCOLS[1]} can be {_SPOKEN} only")
    return True
