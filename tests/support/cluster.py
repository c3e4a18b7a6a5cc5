"""Three real brokers on this machine. The first is the controller as well, so that the others may be away."""

from __future__ import annotations

import shutil
import tempfile
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from confluent_kafka.admin import AdminClient, NewTopic

from conduit_local.kafka import EmbeddedKafka
from conduit_local.kafka_archive import keep_archive
from conduit_local.ports import LOOPBACK, keep_port
from conduit_local.together import together
from conduit_operate.paths import cache_dir
from conduit_operate.polling import wait_until
from conduit_operate.secured import secure
from conduit_operate.security import Security

BROKERS = 3
SETTLE_SECONDS = 90.0
_SHARED = {
    "offsets.topic.replication.factor": "3",
    "transaction.state.log.replication.factor": "3",
    "transaction.state.log.min.isr": "2",
    # So soon a broker that went is no longer counted among those in step.
    "replica.lag.time.max.ms": "3000",
    # What begins on few brokers is moved by nobody but the tests.
    "auto.leader.rebalance.enable": "false",
}


class Cluster:
    """`nodes[0]` is the controller: never stop that one."""

    def __init__(self, folder: Path, *, secured: bool = False) -> None:
        self._admin: AdminClient | None = None
        self._client = security = secure(folder) if secured else Security()
        self.folder = folder
        archive, cluster_id = keep_archive(cache_dir()), uuid.uuid4().hex[:22]
        homes = [folder / f"broker-{number}" for number in range(1, BROKERS + 1)]
        voters = f"1@{LOOPBACK}:{keep_port(homes[0], 'kafka-controller')}"
        self.nodes = [
            EmbeddedKafka(
                home,
                archive=archive,
                cluster_id=cluster_id,
                security=replace(
                    security,
                    properties={**security.properties, **_SHARED, **_place(home, number, voters)},
                    # Where the cluster's data begins, its users do.
                    format_options=security.format_options if number == 1 else (),
                ),
            )
            for number, home in enumerate(homes, start=1)
        ]

    @property
    def bootstrap_servers(self) -> str:
        """Of all of them."""
        return ",".join(node.bootstrap_servers for node in self.nodes)

    def start(self) -> None:
        """Returns when all three are there and serve."""
        self.nodes[0].start()
        together(*(node.start for node in self.nodes[1:]))
        wait_until(lambda: self.serving() == BROKERS, "not all brokers serve", SETTLE_SECONDS, self._check)

    def serving(self) -> int:
        """How many brokers the cluster counts."""
        return len(self.admin().list_topics(timeout=10).brokers)

    def kill(self) -> None:
        """All at once."""
        together(*(node.kill for node in self.nodes))

    def create(self, topic: str, brokers: Sequence[Sequence[int]], config: Mapping[str, str] | None = None) -> None:
        """A topic of which each partition lies on the brokers named, the first of them its leader."""
        new = NewTopic(topic, len(brokers), replica_assignment=[list(each) for each in brokers], config=dict(config or {}))
        admin = self.admin()
        for future in admin.create_topics([new]).values():
            future.result(SETTLE_SECONDS)
        wait_until(
            lambda: self.in_step(topic) == [len(each) for each in brokers],
            f"{topic} is not there",
            SETTLE_SECONDS,
            self._check,
        )

    def in_step(self, topic: str) -> list[int]:
        """How many brokers of each partition are in step."""
        found = self.admin().list_topics(topic, timeout=10).topics[topic].partitions
        return [len(found[number].isrs) for number in sorted(found)]

    def _check(self) -> None:
        for node in self.nodes:
            if node.child is not None and node.child.exit_code is not None:
                node.child.ensure_alive()

    def admin(self) -> AdminClient:
        """A client that may do everything."""
        if self._admin is None:
            self._admin = AdminClient({"bootstrap.servers": self.bootstrap_servers, "log_level": 0, **self._client.client})
        return self._admin


def _place(home: Path, number: int, voters: str) -> dict[str, str]:
    place = {"node.id": str(number), "controller.quorum.voters": voters}
    if number > 1:
        listener = f"CLIENTS://{LOOPBACK}:{keep_port(home, 'kafka')}"
        place |= {"process.roles": "broker", "listeners": listener}
    return place


@contextmanager
def cluster(*, secured: bool = False) -> Iterator[Cluster]:
    """One that is gone at the end, with all that it holds. `secured` makes all of it ask for TLS and passwords."""
    folder = Path(tempfile.mkdtemp(prefix="conduit-cluster-"))
    made = Cluster(folder, secured=secured)
    try:
        made.start()
        yield made
    finally:
        made.kill()
        shutil.rmtree(folder, ignore_errors=True)
