"""The same four services as the tutorial of quixstreams writes them: a streaming dataframe, a function applied to each row.

Runs in .conduit/bench-venv as `python -m tests.benchmarks.quix <stage>`, with PYTHONPATH at the contracts' sources and the
variables of `plain`. The library's own defaults stand: at least once, a checkpoint every 5 s.
"""

import os
import sys
from typing import Any

import psycopg
from quixstreams import Application
from quixstreams.kafka import ConnectionConfig

from tests.benchmarks import tutorial

_INSERT = "INSERT INTO tutorial_records (referral_id, body) VALUES (%s, %s) ON CONFLICT DO NOTHING"


def _dump(message: Any) -> bytes:
    dumped: str = message.model_dump_json()
    return dumped.encode()


class Stage:
    """What is applied to the rows; each row is stored in a transaction of its own."""

    def __init__(self, connection: psycopg.Connection) -> None:
        self._connection = connection

    def intake(self, value: bytes) -> bytes:
        event = tutorial.received(value)
        return self._store(event.referral_id, _dump(event))

    def triage(self, value: bytes) -> bytes:
        event = tutorial.accepted(value)
        return self._store(event.referral_id, _dump(event))

    def routing(self, value: bytes) -> dict[str, bytes]:
        case, routed = tutorial.routed(value)
        return {"case": self._store(case.referral_id, _dump(case)), "routed": _dump(routed)}

    def notification(self, value: bytes) -> bytes:
        update = tutorial.updated(value)
        return self._store(update.referral_id, _dump(update))

    def _store(self, referral_id: object, body: bytes) -> bytes:
        self._connection.execute(_INSERT, (referral_id, body))
        return body


def main() -> None:
    """Run one stage until it is told to stop."""
    name = sys.argv[1]
    app = Application(
        broker_address=ConnectionConfig(
            bootstrap_servers=os.environ["KAFKA_BOOTSTRAP_SERVERS"],
            security_protocol="sasl_ssl",
            sasl_mechanism="SCRAM-SHA-512",
            sasl_username=os.environ["KAFKA_SASL_USERNAME"],
            sasl_password=os.environ["KAFKA_SASL_PASSWORD"],
            ssl_ca_location=os.environ["KAFKA_CA_FILE"],
        ),
        consumer_group=f"bench.quix.{name}",
        auto_offset_reset="earliest",
        auto_create_topics=False,
        loglevel="WARNING",
    )
    names = tutorial.names("quix")

    def topic(which: str) -> Any:
        return app.topic(which, value_deserializer="bytes", value_serializer="bytes")

    with psycopg.connect(os.environ["POSTGRES_DSN"], autocommit=True) as connection:
        connection.execute(tutorial.TABLE)
        stage = Stage(connection)
        if name == "intake":
            app.dataframe(topic(names.submitted)).apply(stage.intake).to_topic(topic(names.received))
        elif name == "triage":
            app.dataframe(topic(names.received)).apply(stage.triage).to_topic(topic(names.accepted))
        elif name == "routing":
            decided = app.dataframe(topic(names.accepted)).apply(stage.routing)
            decided.apply(lambda found: found["case"]).to_topic(topic(names.cases))
            decided.apply(lambda found: found["routed"]).to_topic(topic(names.routed))
        else:
            app.dataframe(topic(names.routed)).apply(stage.notification).to_topic(topic(names.updates))
        app.run()


if __name__ == "__main__":
    main()
