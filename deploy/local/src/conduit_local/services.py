"""The services, and what each is told by its environment: the one list that the local stack and docker-compose.yml share."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

POLICY_FILE = Path(__file__).parents[3] / "policy" / "policy.toml"
DOCS_DIR = Path(__file__).parents[4] / "docs" / "api"
"""The conduit's documents, which every service serves. Images hold a copy of their own."""
SMTP_SENDER = "conduit@hub.example"
TAKES_IN = "intake"
NOTIFIES = "notification"
SHOWS = "console"
ENGAGES = "programme"
SCAN_FILES = (TAKES_IN, ENGAGES)
"""They take files, and open none that a scanner has not seen."""
TAKE_COMMANDS = ("triage", "routing", NOTIFIES)
SAMPLE_PARTNERS = ("northlight", "harbour-trust", "open-door", "lanterns", "stillwater")
"""The synthetic partners of `tests/referrals`: they have topics from the first start."""

NICENESS = {TAKES_IN: 5, ENGAGES: 5, NOTIFIES: 15, SHOWS: 15, "smtp": 15}
"""Hand-offs first: on one machine with more to do than it can do at once, what is nearest to its force goes before what has
just come in, and what tells of either waits. For the programme somebody waits who changes a register. Elsewhere each service
has processors of its own."""

__all__ = [
    "DOCS_DIR",
    "ENGAGES",
    "NICENESS",
    "POLICY_FILE",
    "SAMPLE_PARTNERS",
    "SCAN_FILES",
    "SHOWS",
    "Smtp",
    "Surroundings",
    "asking_intake",
    "asking_the_signer",
    "module_of",
    "pages_environment",
    "service_environment",
    "signer_environment",
]


HUB_EMAIL = "duty-officer@hub.example"
"""Is told about cases that no force has, of escalations that went to the end, and of notices that could not be delivered."""


@dataclass(frozen=True, slots=True)
class Smtp:
    host: str
    port: int
    sender: str = SMTP_SENDER


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What all services share; each is told the part that concerns it."""

    kafka: Mapping[str, str]
    """KAFKA_BOOTSTRAP_SERVERS and, where Kafka is secured, the rest."""
    policy_file: str
    smtp: Smtp
    trusted_keys: str
    """The JWKS of the keys with which officers' commands are signed."""
    secrets_dir: str
    """Holds one file per webhook secret."""
    log_level: str = "INFO"
    local_keys: bool = True
    """Whether a key for one machine is among them."""
    duty_url: str | None = None
    """Where duty officers' browsers find notification; by default where it listens."""


def signer_environment(
    surroundings: Surroundings, *, key_file: str, token_file: str, http: tuple[str, int]
) -> dict[str, str]:
    """Every variable that the signer is given. Its key is told to nobody else."""
    host, port = http
    environment = {
        **surroundings.kafka,
        "HTTP_HOST": host,
        "HTTP_PORT": str(port),
        "LOG_LEVEL": surroundings.log_level,
        "SIGNING_KEYS_FILE": surroundings.trusted_keys,
        "SIGNING_KEY_FILE": key_file,
        "SIGNER_TOKEN_FILE": token_file,
    }
    return environment | ({"LOCAL_SIGNING_KEYS": "true"} if surroundings.local_keys else {})


def pages_environment(*, public_url: str, identity_providers: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """What a service with pages is told besides, so that people can sign in there."""
    return {"PUBLIC_URL": public_url, "IDENTITY_PROVIDERS": json.dumps(identity_providers)}


def asking_the_signer(url: str, token_file: str) -> dict[str, str]:
    """What the console is told besides, so that officers can decide there."""
    return {"SIGNER_URL": url, "SIGNER_TOKEN_FILE": token_file}


def asking_intake(url: str, token_file: str) -> dict[str, str]:
    """What the console is told of intake, which keeps the files."""
    return {"INTAKE_URL": url, "INTAKE_TOKEN_FILE": token_file}


def module_of(service: str) -> str:
    """What `python -m` runs."""
    return f"conduit_{service}"


def service_environment(
    service: str, surroundings: Surroundings, *, postgres_dsn: str, http: tuple[str, int]
) -> dict[str, str]:
    """Every variable that the service is given."""
    host, port = http
    environment = {
        **surroundings.kafka,
        "POSTGRES_DSN": postgres_dsn,
        "HTTP_HOST": host,
        "HTTP_PORT": str(port),
        "POLICY_FILE": surroundings.policy_file,
        "LOG_LEVEL": surroundings.log_level,
    }
    if service in TAKE_COMMANDS:
        environment["SIGNING_KEYS_FILE"] = surroundings.trusted_keys
        environment |= {"LOCAL_SIGNING_KEYS": "true"} if surroundings.local_keys else {}
    if service == NOTIFIES:
        smtp = surroundings.smtp
        environment |= {"SMTP_HOST": smtp.host, "SMTP_PORT": str(smtp.port), "SMTP_SENDER": smtp.sender}
        environment |= {"SECRETS_DIR": surroundings.secrets_dir, "HUB_EMAIL": HUB_EMAIL}
        environment["DUTY_URL"] = surroundings.duty_url or f"http://{host}:{port}"
    return environment
