"""Writes what docker-compose.yml's Kafka is started from: `python -m conduit_operate.compose_kafka FOLDER`. May be repeated.

The broker's settings are those of the embedded one, with containers' addresses. From the environment: KAFKA_ADMIN_PASSWORD.
Everything but the authority's certificate is for its owner's eyes, who must be the user that Kafka runs as.
"""

from __future__ import annotations

import os
import sys
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from string import Template

from conduit_operate.certificates import make_certificates
from conduit_operate.paths import write_private
from conduit_operate.secured import ADMIN, MECHANISM, PROTOCOL, jaas, security

LISTENERS = ("CLIENTS", "HOST")
"""For the other containers, and for clients on this machine."""
PROGRAMS = "/opt/kafka/bin"


@dataclass(frozen=True, slots=True)
class Place:
    """Where the broker is. The defaults are the container's."""

    host: str = "kafka"
    bind: str = "0.0.0.0"
    clients: int = 9092
    controller: int = 9093
    outside: int = 9094
    data: str = "/var/lib/kafka/data"


def write(folder: Path, password: str, place: Place | None = None) -> None:
    """`server.properties`, `admin.properties`, `start.sh`, `cluster-id` and the certificates.

    Raises:
        ValueError: the password cannot be written into Kafka's settings.
    """
    if not password or set(password) & set("\"'\\,[] \n"):
        raise ValueError("KAFKA_ADMIN_PASSWORD: wanted, without quotes, backslashes, commas, brackets and blanks")
    place = place or Place()
    # It is mounted by others too, who find nothing that they can read but the authority's certificate.
    folder.mkdir(parents=True, exist_ok=True)
    authority, broker = make_certificates(folder, [place.host])
    authority.chmod(0o644)
    made = security(authority, broker, password, LISTENERS)
    identity = folder / "cluster-id"
    if not identity.exists():
        write_private(identity, uuid.uuid4().hex[:22])
    properties, client = folder / "server.properties", folder / "admin.properties"
    write_private(properties, _properties(place, made.protocol, made.controller_protocol, made.properties))
    write_private(client, _client(authority, password))
    options = " ".join(f"'{option}'" for option in made.format_options)
    write_private(folder / "start.sh", _start(properties, identity.read_text(), options))


def _properties(place: Place, protocol: str, controller_protocol: str, extra: Mapping[str, str]) -> str:
    """The embedded broker's settings; of two lines with one name Kafka takes the later."""
    names = {**dict.fromkeys(LISTENERS, protocol), "CONTROLLER": controller_protocol}
    ports = {"CLIENTS": place.clients, "CONTROLLER": place.controller, "HOST": place.outside}
    text = Template(files("conduit_operate").joinpath("server.properties").read_text()).substitute(
        port=place.clients,
        controller_port=place.controller,
        protocol_map=",".join(f"{name}:{value}" for name, value in names.items()),
        data_dir=place.data,
    )
    addresses = {
        "controller.quorum.voters": f"1@{place.host}:{place.controller}",
        "listeners": ",".join(f"{name}://{place.bind}:{port}" for name, port in ports.items()),
        "advertised.listeners": f"CLIENTS://{place.host}:{place.clients},HOST://127.0.0.1:{place.outside}",
    }
    return text + "".join(f"{name}={value}\n" for name, value in {**addresses, **extra}.items())


def _client(authority: Path, password: str) -> str:
    options = {
        "security.protocol": PROTOCOL,
        "sasl.mechanism": MECHANISM,
        "sasl.jaas.config": jaas(ADMIN, password),
        "ssl.truststore.type": "PEM",
        "ssl.truststore.location": str(authority),
    }
    return "".join(f"{name}={value}\n" for name, value in options.items())


def _start(properties: Path, cluster_id: str, options: str) -> str:
    """KAFKA_OPTS may hold an agent that opens a port: it is for the broker alone."""
    form = f"--ignore-formatted --cluster-id {cluster_id} --config {properties} {options}"
    lines = (
        "set -eu",
        f"KAFKA_OPTS= {PROGRAMS}/kafka-storage.sh format {form}",
        f"exec {PROGRAMS}/kafka-server-start.sh {properties}",
    )
    return "".join(f"{line}\n" for line in lines)


def main(arguments: list[str], environ: Mapping[str, str] = os.environ) -> int:
    """Returns 2 where it is told too little."""
    if len(arguments) != 1:
        sys.stderr.write("usage: python -m conduit_operate.compose_kafka FOLDER\n")
        return 2
    try:
        write(Path(arguments[0]), environ.get("KAFKA_ADMIN_PASSWORD", ""))
    except ValueError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    sys.stdout.write(f"{arguments[0]} has what Kafka is started from\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
