"""Partners that send at a steady rate, and forces that answer every case: what a soak lives through."""

import re
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from uuid import UUID

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, Producer

from conduit_contracts import topics
from conduit_contracts.envelope import Attributes, encode
from conduit_contracts.force import CaseAcknowledged, ReceiptConfirmed
from conduit_contracts.geography import forces
from conduit_contracts.ids import uuid7
from conduit_contracts.routing import CaseDisseminated
from conduit_local.stack import Stack
from conduit_operate.secured import ADMIN
from tests.benchmarks.load import submissions

INBOX_RETENTION_SECONDS = 300
"""Instead of 60 days, so that forgetting is seen to happen within the run; the tick itself comes every 10 minutes."""
_REFERENCE = re.compile(rb'"partner_reference":"([^"]+)"')
_REFERRAL = re.compile(rb'"referral_id":"([^"]+)"')


class Life:
    """Two threads. A failure in one of them is raised by `check`, which every sample calls."""

    def __init__(self, stack: Stack, rate: float) -> None:
        self._rate = rate
        kafka = {**stack.broker.librdkafka(ADMIN), "log_level": 0}
        self._producer = Producer({**kafka, "enable.idempotence": True, "linger.ms": 5})
        self._answers = Producer({**kafka, "enable.idempotence": True, "linger.ms": 20})
        self._consumer = Consumer({**kafka, "group.id": "operator.soak", "auto.offset.reset": "earliest"})
        self._sending, self._running = threading.Event(), threading.Event()
        self._due: dict[str, int] = {}
        """Cases still to arrive, by reference: only what is on its way is kept."""
        self._failure: BaseException | None = None
        self._threads = [threading.Thread(target=self._guarded, args=[work]) for work in (self._send, self._answer)]
        self.sent = self.arrived = self.cases = 0

    def __enter__(self) -> "Life":
        self._consumer.subscribe([topics.FORCE_CASES.name(force_id) for force_id in forces()])
        self._sending.set()
        self._running.set()
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._sending.clear()
        self._running.clear()
        for thread in self._threads:
            thread.join(30)
        self._consumer.close()

    def check(self) -> None:
        """Raises what ended one of the threads."""
        if self._failure is not None:
            raise RuntimeError("the soak's own load failed") from self._failure

    def stop_sending(self) -> None:
        """Answers go on."""
        self._sending.clear()

    def wait_for_all(self, timeout: float) -> int:
        """Until every referral is with every force concerned; returns how many are not."""
        end = time.monotonic() + timeout
        while self._due and time.monotonic() < end:
            self.check()
            time.sleep(0.2)
        return len(self._due)

    def _guarded(self, work: Callable[[], None]) -> None:
        try:
            work()
        except BaseException as error:  # it is raised again in the main thread
            self._failure = error

    def _send(self) -> None:
        begin = time.monotonic()
        for number, record in enumerate(submissions(1 << 40, prefix="soak")):
            wait = begin + number / self._rate - time.monotonic()
            if wait > 0:
                time.sleep(wait)
            if not self._sending.is_set():
                break
            self._due[record.reference] = record.parts
            self._producer.produce(record.topic, record.value, record.key, headers=record.headers)
            self._producer.poll(0)
            self.sent += 1
        if self._producer.flush(30):
            raise TimeoutError("the broker did not take every referral within 30 s")

    def _answer(self) -> None:
        while self._running.is_set():
            for record in self._consumer.consume(500, timeout=0.2):
                error = record.error()
                if error is not None and error.code() != KafkaError._PARTITION_EOF:
                    raise KafkaException(error)
                if error is None and _type(record) == CaseDisseminated.type:
                    self._answer_case(record)
            self._answers.poll(0)
        self._answers.flush(30)

    def _answer_case(self, record: Message) -> None:
        value, topic = record.value() or b"", record.topic() or ""
        reference, referral = _REFERENCE.search(value), _REFERRAL.search(value)
        force_id = topics.FORCE_CASES.match(topic)
        if reference is None or referral is None or force_id is None:
            raise ValueError("a case without reference, referral or force")
        self.cases += 1
        self._count(reference[1].decode())
        referral_id = UUID(referral[1].decode())
        for message in (
            ReceiptConfirmed(force_id=force_id, referral_id=referral_id),
            CaseAcknowledged(force_id=force_id, referral_id=referral_id, team="Safeguarding"),
        ):
            attributes = Attributes(str(uuid7()), f"/forces/{force_id}", message.type, datetime.now(UTC))
            headers, answer = encode(message, attributes)
            self._answers.produce(topics.FORCE_RESPONSES.name(force_id), answer, str(referral_id), headers=[*headers])

    def _count(self, reference: str) -> None:
        if reference not in self._due:  # a record that was sent twice
            return
        self._due[reference] -= 1
        if not self._due[reference]:
            del self._due[reference]
            self.arrived += 1


def _type(record: Message) -> str:
    headers: list[tuple[str, bytes | None]] = list(record.headers() or ())  # type: ignore[arg-type]
    return (dict(headers).get("ce_type") or b"").decode()
