"""Spans from a partner's record or request to a force's record, sent by OTLP. Off unless the environment says where to.

What a service is made of is chosen once, at its start. While tracing is off these are the chassis' own parts, as if this
package did not exist, and nothing of OpenTelemetry's SDK is loaded. While it is on, subclasses of them stand in their place.
"""

import os
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from starlette.types import ASGIApp

from conduit_chassis.batch import Processor
from conduit_chassis.errors import ConfigurationError
from conduit_chassis.kafka import Reader
from conduit_chassis.producer import Producer
from conduit_chassis.runtime import Runtime, Tick
from conduit_chassis.settings import Settings

_ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
_PROTOCOLS = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
_EXPORTER = "OTEL_TRACES_EXPORTER"
_SPOKEN = "http/protobuf"


def _same(app: ASGIApp) -> ASGIApp:
    return app


def _no_ticks(_runtime: Runtime) -> Sequence[Tick]:
    return ()


async def _nothing() -> None:
    return


@dataclass(frozen=True)
class Parts:
    """What a service is made of where tracing makes a difference."""

    runtime: Callable[..., Runtime] = Runtime
    processor: Callable[[Runtime, Reader], Processor] = Processor
    producer: Callable[[Settings, str], Producer] = Producer
    serve: Callable[[str, ASGIApp], ASGIApp] = lambda _prefix, app: _same(app)
    """Given the path's prefix and the application under it."""
    ticks: Callable[[Runtime], Sequence[Tick]] = _no_ticks
    end: Callable[[], Awaitable[Any]] = _nothing
    """Sends what is left, for a few seconds at most."""


def parts(service: str, environ: Mapping[str, str] = os.environ) -> Parts:
    """The parts for a service, by OpenTelemetry's own environment variables.

    Raises:
        ConfigurationError: they ask for an exporter or a protocol that there is not.
    """
    if not asked_for(environ):
        return Parts()
    from conduit_chassis.tracing.setup import start  # noqa: PLC0415 - it loads the SDK

    return start(service, environ)


def asked_for(environ: Mapping[str, str]) -> bool:
    """Whether spans are wanted: an OTLP endpoint or exporter is named, and nothing says otherwise.

    Raises:
        ConfigurationError: as `parts`.
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
