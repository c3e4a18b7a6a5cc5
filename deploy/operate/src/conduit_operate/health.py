"""Whether something listens, whether it answers, and whether a service says that it is ready for work."""

from __future__ import annotations

import socket
from functools import cache
from threading import Lock

import httpx
import psycopg
from confluent_kafka import Consumer, KafkaException
from confluent_kafka.admin import AdminClient

from conduit_operate.broker import Broker

PATIENCE = 5
"""Seconds. A process that is stopped, or hangs, still has its connections taken by the kernel: only an answer counts."""
_GREETING = b"220"
_MAKING = Lock()
"""Several ask at once, and a client that lost the race would never be closed."""


def accepts_at(address: str) -> bool:
    """Whether something listens at `host:port`."""
    host, _, port = address.rpartition(":")
    try:
        with socket.create_connection((host, int(port)), timeout=1):
            return True
    except OSError:
        return False


def greets_at(address: str) -> bool:
    """Whether a mail server at `host:port` says that it is ready, as it does of itself."""
    host, _, port = address.rpartition(":")
    try:
        with socket.create_connection((host, int(port)), timeout=PATIENCE) as connection:
            return connection.recv(len(_GREETING), socket.MSG_WAITALL) == _GREETING
    except OSError:
        return False


def kafka_answers(broker: Broker) -> bool:
    """Whether the brokers say which topics there are."""
    try:
        answering(broker)
    except TimeoutError:
        return False
    return True


def answering(broker: Broker) -> AdminClient:
    """An administrator's client of a Kafka that answers.

    Raises:
        TimeoutError: it does not.
    """
    admin = broker.admin()
    must_answer(admin, broker)
    return admin


def must_answer(client: AdminClient | Consumer, broker: Broker) -> None:
    """Ask what costs nearly nothing before anything else: what follows has far more patience.

    Raises:
        TimeoutError: the brokers do not answer, or do not let the client's user in.
    """
    try:
        client.list_topics(timeout=PATIENCE)
    except KafkaException as error:
        raise TimeoutError(f"Kafka at {broker.bootstrap_servers} does not answer ({error.args[0].str()})") from None


def postgres_answers(dsn: str) -> bool:
    """Whether PostgreSQL lets this user in and answers a question."""
    try:
        with psycopg.connect(dsn, connect_timeout=PATIENCE) as connection:
            return connection.execute("SELECT 1").fetchone() is not None
    except psycopg.Error:
        return False


def is_ready(url: str) -> bool:
    with _MAKING:
        client = _client()
    try:
        return client.get(f"{url}/readyz").status_code == httpx.codes.OK
    except httpx.HTTPError:
        return False


def shows_pages(url: str) -> bool:
    """Whether people could sign in there: its first page leads somewhere."""
    with _MAKING:
        client = _client()
    try:
        return client.get(f"{url}/").status_code == httpx.codes.SEE_OTHER
    except httpx.HTTPError:
        return False


@cache
def _client() -> httpx.Client:
    """Made once: its TLS setup costs more than the request. A proxy of the surroundings has no business on the loopback."""
    return httpx.Client(timeout=2, trust_env=False, verify=False)  # noqa: S501  plain HTTP on the loopback
