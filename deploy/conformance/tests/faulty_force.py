"""A force's connector written without the kit, good by default, with one fault at a time for the conformance kit to find.

python -m deploy.conformance.tests.faulty_force BOOTSTRAP FORCE FAULT
"""

from __future__ import annotations

import asyncio
import json
import sys
import uuid
from collections.abc import Iterable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord

from conduit_contracts.ids import uuid7
from conduit_contracts.routing import CaseDisseminated
from conduit_contracts.topics import FORCE_CASES

TYPES = {message.type for message in FORCE_CASES.messages}
CASE = CaseDisseminated.type
FIELDS = set(CaseDisseminated.model_fields)


class FaultyForce:
    """`async with connector.running():`. `fault` names what it does wrong. It remembers nothing when it ends."""

    def __init__(self, bootstrap_servers: str, force_id: str, fault: str = "") -> None:
        self._bootstrap_servers, self._force_id, self._fault = bootstrap_servers, force_id, fault
        self._seen: set[str] = set()

    @asynccontextmanager
    async def running(self) -> Any:
        self._producer = AIOKafkaProducer(bootstrap_servers=self._bootstrap_servers, enable_idempotence=True)
        consumer = AIOKafkaConsumer(
            f"force.{self._force_id}.cases.v1",
            bootstrap_servers=self._bootstrap_servers,
            group_id=f"force.{self._force_id}.faulty",
            auto_offset_reset="earliest",
            enable_auto_commit=False,
        )
        await self._producer.start()
        await consumer.start()
        task = asyncio.create_task(self._run(consumer))
        try:
            yield self
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            await consumer.stop()
            await self._producer.stop()

    async def _run(self, consumer: AIOKafkaConsumer) -> None:
        async for record in consumer:
            try:
                if self._fault == "commits_before_it_stores":
                    await consumer.commit()
                    await asyncio.sleep(0.4)
                await self._take(record)
            except (KeyError, ValueError, LookupError, TypeError):
                if self._fault == "stops_at_poison":
                    raise

    async def _take(self, record: ConsumerRecord) -> None:
        headers = {name: value.decode() for name, value in record.headers}
        if headers["ce_type"] not in TYPES:
            if self._fault == "stops_at_unknown_type":
                await asyncio.Event().wait()
            return
        if headers["ce_id"] in self._seen and self._fault != "forgets_what_it_took_in":
            return
        self._seen.add(headers["ce_id"])
        if headers["ce_type"] != CASE:
            if self._fault == "confirms_everything":
                await self._say("receipt-confirmed", json.loads(record.value))
            return
        case = json.loads(record.value)
        uuid.UUID(case["referral_id"])
        if self._fault == "refuses_later_fields" and set(case) - FIELDS:
            await asyncio.Event().wait()
        await self._answer(case)

    async def _answer(self, case: dict[str, Any]) -> None:
        if self._fault == "silent":
            return
        await self._say("receipt-confirmed", case)
        if self._fault != "never_acknowledges":
            ahead = {"part": case["part"] + 1} if self._fault == "answers_what_never_was" else {}
            await self._say("case-acknowledged", case, team="Synthetic team", **ahead)
        if self._fault == "says_it_twice":
            await self._say("case-acknowledged", case, team="Synthetic team")
        if self._fault == "answers_a_case_of_others":
            await self._say("receipt-confirmed", {"referral_id": str(uuid7())})

    async def _say(self, name: str, case: dict[str, Any], **fields: Any) -> None:
        body = {"force_id": self._force_id, "referral_id": case["referral_id"], **fields}
        if self._fault == "speaks_for_another_force":
            body["force_id"] = "west-mercia"
        if self._fault == "has_a_field_of_its_own":
            body["priority"] = "high"
        key = None if self._fault == "has_no_key" else case["referral_id"].encode()
        await self._producer.send_and_wait(
            f"force.{self._force_id}.responses.v1", json.dumps(body).encode(), key=key, headers=list(self._headers(name))
        )

    def _headers(self, name: str) -> Iterable[tuple[str, bytes]]:
        headers = {
            "ce_specversion": "1.0",
            "ce_id": "always-the-same" if self._fault == "reuses_its_ids" else str(uuid.uuid4()),
            "ce_source": f"/forces/{self._force_id}",
            "ce_type": f"uk.conduit.force.{name}.v1",
            "ce_time": datetime.now(UTC).isoformat(),
            "content-type": "application/json",
        }
        if self._fault == "leaves_headers_out":
            del headers["ce_time"]
        return ((header, text.encode()) for header, text in headers.items())


async def main() -> None:
    async with FaultyForce(*sys.argv[1:]).running():
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
