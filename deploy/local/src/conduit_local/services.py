"""The services, and what each is told by its environment: the one list that the local stack and docker-compose.yml share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from conduit_contracts.topics import SERVICES

POLICY_FILE = Path(__file__).parents[3] / "policy" / "policy.toml"
SMTP_SENDER = "conduit@hub.example"
SENDS_MAIL = "notification"
SAMPLE_PARTNERS = ("northlight", "harbour-trust", "open-door", "lanterns", "stillwater")
"""The synthetic partners of `tests/referrals`: they have topics from the first start."""

__all__ = ["POLICY_FILE", "SAMPLE_PARTNERS", "SERVICES", "Smtp", "module_of", "service_environment", "url_variable"]


@dataclass(frozen=True, slots=True)
class Smtp:
    host: str
    port: int
    sender: str = SMTP_SENDER


def module_of(service: str) -> str:
    """What `python -m` runs."""
    return f"conduit_{service}"


def url_variable(service: str) -> str:
    """The variable under which clients find the service's address."""
    return f"{service.upper()}_URL"


def service_environment(
    service: str,
    *,
    kafka: Mapping[str, str],
    postgres_dsn: str,
    http: tuple[str, int],
    policy_file: str,
    smtp: Smtp,
    log_level: str = "INFO",
) -> dict[str, str]:
    """Every variable that the service is given. `kafka` has KAFKA_BOOTSTRAP_SERVERS and, where it is secured, the rest."""
    host, port = http
    environment = {
        **kafka,
        "POSTGRES_DSN": postgres_dsn,
        "HTTP_HOST": host,
        "HTTP_PORT": str(port),
        "POLICY_FILE": policy_file,
        "LOG_LEVEL": log_level,
    }
    if service == SENDS_MAIL:
        environment |= {"SMTP_HOST": smtp.host, "SMTP_PORT": str(smtp.port), "SMTP_SENDER": smtp.sender}
    return environment
