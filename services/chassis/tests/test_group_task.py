"""aiokafka's group task may die of an assertion of its own; the consumer would then never read again."""

import asyncio
from typing import Any

import pytest
from aiokafka.consumer.group_coordinator import GroupCoordinator

from services.chassis.tests.world import World


async def test_a_group_task_that_died_is_started_again_and_later_records_are_read(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.create_all()
    deaths: list[str] = []
    find_coordinator = GroupCoordinator.ensure_coordinator_known

    async def die_once(coordinator: Any) -> None:
        if not deaths and asyncio.current_task() is coordinator._coordination_task:
            deaths.append("of the group task")
            raise AssertionError
        await find_coordinator(coordinator)

    async with world.running(metadata_max_age_ms=200):
        await world.send(world.noted(1, "k"))
        await world.wait_for_numbers(1)
        monkeypatch.setattr(GroupCoordinator, "ensure_coordinator_known", die_once)
        # A new topic changes what the pattern subscribes to, as topics that a restarted broker does not name yet do.
        await world.create(world.sample.edge.name("three"))
        await world.send(world.noted(2, "k", topic=world.sample.edge.name("three")), world.noted(3, "k"))
        await world.wait_for_numbers(1, 2, 3)
    assert deaths
