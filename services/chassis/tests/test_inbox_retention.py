"""A record takes effect once for as long as any topic still holds it: the inbox remembers longer than that."""

from datetime import timedelta
from importlib import import_module

import pytest

from conduit_chassis.inbox import forget
from conduit_chassis.runtime import Service, inbox_retention
from conduit_chassis.testing import harness
from conduit_contracts.topics import SERVICES, consumed_by
from services.chassis.tests.sample import Sample


def service_of(name: str) -> Service:
    module = import_module(f"conduit_{name}.app")
    found: Service = module.SERVICE if hasattr(module, "SERVICE") else module.create_service()
    return found


@pytest.mark.parametrize("name", SERVICES)
def test_every_service_remembers_longer_than_what_it_reads_is_kept(name: str) -> None:
    kept = [topic.retention for topic in consumed_by(name)]
    assert inbox_retention(service_of(name).reads()) >= max(kept) + timedelta(days=30)


async def test_what_a_long_kept_topic_may_bring_again_is_not_forgotten(sample: Sample, database: str) -> None:
    service = sample.service()
    async with harness(service, database) as made:
        days = max(topic.retention for topic in service.reads()).days
        await made.pool.execute(
            "INSERT INTO inbox (topic, event_id, seen_at) SELECT 't', age::text, now() - age * interval '1 day'"
            " FROM unnest($1::integer[]) AS age",
            [1, days + 29, days + 31],
        )
        before = await made.pool.fetchval("SELECT now() - $1::interval", made.runtime.inbox_retention)
        assert await forget(made.pool, before) == 1
        assert await made.pool.fetchval("SELECT count(*) FROM inbox") == 2
