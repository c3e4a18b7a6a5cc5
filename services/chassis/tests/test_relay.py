"""The relay on a real broker: misses nothing, keeps each key's order, and lets no row block another."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import pytest
from aiokafka.errors import KafkaError
from prometheus_client import REGISTRY

from conduit_chassis.health import Health
from conduit_chassis.outbox import Outbox
from conduit_chassis.producer import Producer
from conduit_chassis.relay import Relay
from conduit_chassis.testing import ManualClock
from services.chassis.tests.relaying import INSERT, empty, first_copies, publish, relaying, values
from services.chassis.tests.sample import Kept
from services.chassis.tests.world import World, eventually


class BlindProducer(Producer):
    """Loses the process between Kafka's confirmation and the deletion."""

    killed = False

    async def send(self, rows: Any) -> Any:
        sent = await super().send(rows)
        if rows and not BlindProducer.killed:
            BlindProducer.killed = True
            await asyncio.gather(*(batch.future for batch in sent))
            raise KafkaError
        return sent


class SilentProducer(Producer):
    """The broker takes the events and never says so, once."""

    silent = True

    async def send(self, rows: Any) -> Any:
        sent = await super().send(rows)
        if not rows or not SilentProducer.silent:
            return sent
        SilentProducer.silent = False
        await asyncio.gather(*(batch.future for batch in sent))
        return [batch._replace(future=asyncio.get_running_loop().create_future()) for batch in sent]


async def test_events_arrive_with_their_ids_and_leave_the_outbox(world: World) -> None:
    await world.create(world.sample.out.template, partitions=3)
    ids = await publish(world, *((f"k{n % 7}", n) for n in range(2_500)))
    async with relaying(world):
        await eventually(lambda: empty(world), "an empty outbox")
    found = await world.read(world.sample.out.template)
    assert sorted(dict(each.headers)["ce_id"].decode() for each in found) == sorted(ids)


async def test_an_event_that_keeps_a_promise_is_measured_from_the_act(world: World) -> None:
    def measured() -> tuple[float, float]:
        found = [REGISTRY.get_sample_value(f"conduit_dissemination_seconds_{what}") or 0 for what in ("count", "sum")]
        return found[0], found[1]

    await world.create(world.sample.out.template)
    number, seconds = measured()
    outbox = Outbox("sample", ManualClock().now())
    outbox.publish(world.sample.out.template, "k", Kept(number=1), acted_at=datetime.now(UTC) - timedelta(seconds=1_000))
    outbox.publish(world.sample.out.template, "k", Kept(number=2))
    connection = await asyncpg.connect(world.dsn)
    await outbox.flush(connection)
    await connection.close()
    async with relaying(world):
        await eventually(lambda: empty(world), "an empty outbox")
    later_number, later_seconds = measured()
    assert later_number == number + 1
    assert 1_000 < later_seconds - seconds < 1_100


async def test_order_per_key_holds_at_the_reader(world: World) -> None:
    await world.create(world.sample.out.template, partitions=3)
    async with relaying(world, relay_batch=50):
        for start in range(0, 1_000, 100):
            await publish(world, *((f"k{n % 5}", n) for n in range(start, start + 100)))
        await eventually(lambda: empty(world), "an empty outbox")
    by_key: dict[bytes, list[int]] = {}
    for each in await world.read(world.sample.out.template):
        by_key.setdefault(each.key, []).append(int(each.value.split(b":")[1][:-1]))
    assert by_key == {f"k{key}".encode(): list(range(key, 1_000, 5)) for key in range(5)}


async def test_an_id_that_commits_late_is_not_missed_and_does_not_wait_for_others(world: World) -> None:
    await world.create(world.sample.out.template)
    topic = world.sample.out.template
    late = await asyncpg.connect(world.dsn)
    async with relaying(world):
        held = late.transaction()
        await held.start()
        await late.execute(INSERT, topic, b"late", b'{"number":1}')
        await publish(world, ("early", 2))
        await eventually(lambda: empty(world), "the row that is committed to be sent")
        assert await values(world) == [2]
        await held.commit()
        await eventually(lambda: empty(world), "the row that committed late to be sent")
    await late.close()
    assert await values(world) == [2, 1]


async def test_a_death_between_confirmation_and_deletion_repeats_the_same_ids_in_order(world: World) -> None:
    BlindProducer.killed = False
    await world.create(world.sample.out.template)
    ids = await publish(world, *(("k", n) for n in range(10)))
    async with relaying(world, producer=BlindProducer):
        await eventually(lambda: empty(world), "an empty outbox")
    found = [dict(each.headers)["ce_id"].decode() for each in await world.read(world.sample.out.template)]
    assert BlindProducer.killed
    assert found == ids * 2


async def test_an_unknown_outcome_is_not_taken_for_a_confirmation(world: World) -> None:
    SilentProducer.silent = True
    await world.create(world.sample.out.template)
    await publish(world, ("k", 1))
    async with relaying(world, producer=SilentProducer, relay_confirm_seconds=0.5) as relay:
        await eventually(lambda: empty(world), "the event to be confirmed at last")
        assert relay._failures == 0
    assert await values(world) == [1, 1]


async def test_a_topic_that_is_missing_blocks_nothing_and_is_found_when_it_comes(world: World) -> None:
    missing = f"{world.sample.name}.missing.v1"
    await world.create(world.sample.out.template)
    await publish(world, *(("k", n) for n in range(25)), topic=missing)
    await publish(world, ("k", 100))
    async with relaying(world, relay_batch=10):

        async def only_the_missing_one() -> bool:
            return {row["topic"] for row in await world.sql("SELECT topic FROM outbox")} == {missing}

        await eventually(only_the_missing_one, "the other row to pass")
        await world.create(missing)
        await eventually(lambda: empty(world), "the topic to be found", 30)
    assert await first_copies(world, missing) == list(range(25))


async def test_an_event_that_kafka_refuses_is_kept_aside_and_the_others_pass(world: World) -> None:
    topic = world.sample.out.template
    await world.create(topic, config={"max.message.bytes": "2000"})
    large = b'{"words":"' + b"x" * 5_000 + b'","number":2}'
    connection = await asyncpg.connect(world.dsn)
    for number, value in ((1, b'{"number":1}'), (2, large), (3, b'{"number":3}')):
        await connection.execute(INSERT, topic, b"k%d" % number, value)
    await connection.close()
    async with relaying(world):
        await eventually(lambda: empty(world), "an empty outbox", 30)
    assert await first_copies(world) == [1, 3]
    (kept,) = await world.sql("SELECT value, reason FROM outbox_rejected")
    assert kept["value"] == large
    assert kept["reason"].endswith("MessageSizeTooLargeError")


async def test_a_shard_has_one_relay_and_another_takes_over(world: World) -> None:
    await world.create(world.sample.out.template)
    async with relaying(world) as second:
        async with relaying(world) as first:
            await publish(world, ("k", 1))
            await eventually(lambda: empty(world), "the first to send")
            assert {first._failures, second._failures} == {0}
            locks = await world.sql("SELECT FROM pg_locks WHERE locktype = 'advisory' AND granted")
            assert len(locks) == 1
        await publish(world, ("k", 2))
        await eventually(lambda: empty(world), "the one that is left to send")
    assert await values(world) == [1, 2]


async def test_a_relay_that_loses_its_connection_comes_back(world: World) -> None:
    await world.create(world.sample.out.template)
    async with relaying(world):
        await publish(world, ("k", 1))
        await eventually(lambda: empty(world), "the first event")
        await world.sql(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'conduit.sample.relay'"
        )
        await publish(world, ("k", 2))
        await eventually(lambda: empty(world), "the second event")
    assert await values(world) == [1, 2]


async def test_a_relay_that_was_cut_off_is_well_again_though_nothing_waits(world: World) -> None:
    await world.create(world.sample.out.template)
    async with relaying(world) as relay:
        await publish(world, ("k", 1))
        await eventually(lambda: empty(world), "the first event")
        relay._health.failing(relay._part, "ConnectionRefusedError")
        await eventually(lambda: is_well(relay), "a relay that is well without anything to send")


async def is_well(relay: Relay) -> bool:
    return relay._part not in relay._health._failing


async def test_shards_are_sent_each_by_its_own_relay(world: World) -> None:
    await world.create(world.sample.out.template)
    await publish(world, *((f"k{n}", n) for n in range(100)), shards=2)
    sizes = [row["count"] for row in await world.sql("SELECT count(*) FROM outbox GROUP BY shard")]
    assert len(sizes) == 2
    async with relaying(world, shard=0), relaying(world, shard=1):
        await eventually(lambda: empty(world), "an empty outbox")
    assert sorted(await values(world)) == list(range(100))


async def test_a_drain_sends_what_is_there(world: World) -> None:
    await world.create(world.sample.out.template)
    await publish(world, *((f"k{n}", n) for n in range(3_000)))
    async with relaying(world):
        pass
    assert await empty(world)
    assert len(await values(world)) == 3_000


async def test_an_idle_event_is_on_its_way_within_milliseconds(world: World) -> None:
    await world.create(world.sample.out.template)
    async with relaying(world, relay_poll_ms=60_000) as relay:
        await publish(world, ("k", 0))
        relay.wake()
        await eventually(lambda: empty(world), "the wake-up to be heard", 3)


async def test_the_place_of_deleted_rows_is_used_again(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    await world.create(world.sample.out.template)
    monkeypatch.setattr("conduit_chassis.relay.TIDY_AFTER_ROWS", 500)
    sizes = [await _size_after_life(world, start) for start in range(0, 10_000, 1_000)]
    assert sizes[0] > 0
    assert max(sizes) < 4 * sizes[0]  # 10 times, if every row took a new place
    assert await _vacuums(world) > 0


async def test_a_large_outbox_is_left_to_autovacuum(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    await world.create(world.sample.out.template)
    monkeypatch.setattr("conduit_chassis.relay.TIDY_AFTER_ROWS", 500)
    monkeypatch.setattr("conduit_chassis.relay.TIDY_MOST_BYTES", 8_192)
    assert await _size_after_life(world, 0) > 8_192
    assert await _vacuums(world) == 0


async def _size_after_life(world: World, start: int) -> int:
    """The table's size in bytes when a thousand events from this number on have come and gone."""
    await publish(world, *((f"k{number % 7}", number) for number in range(start, start + 1_000)))
    async with relaying(world):
        pass
    assert await empty(world)
    size: int = (await world.sql("SELECT pg_relation_size('outbox')"))[0][0]
    return size


async def _vacuums(world: World) -> int:
    """How often it was vacuumed by anybody but autovacuum."""
    count: int = (await world.sql("SELECT vacuum_count FROM pg_stat_user_tables WHERE relname = 'outbox'"))[0][0]
    return count


async def test_a_quiet_relay_looks_ever_more_seldom_and_sees_all_the_same_what_another_process_commits(world: World) -> None:
    await world.create(world.sample.out.template)
    async with relaying(world, relay_poll_ms=20, relay_idle_ms=640) as relay:
        looks = 0
        scan = relay._scan

        async def counted(*arguments: Any) -> Any:
            nonlocal looks
            looks += 1
            return await scan(*arguments)

        relay._scan = counted  # type: ignore[method-assign, assignment]
        await asyncio.sleep(2)
        assert 1 <= looks <= 12  # 100 if it looked every 20 ms
        await publish(world, ("k", 0))
        await eventually(lambda: empty(world), "the other process' event to be seen", 3)


async def test_without_a_broker_rows_stay_and_go_out_later(world: World) -> None:
    await world.create(world.sample.out.template)
    await publish(world, ("k", 1))
    away = World("127.0.0.1:1", world.dsn, world.sample)
    relay = Relay(away.settings(), "sample", 0, Health())
    task = asyncio.create_task(relay.run())

    async def failed() -> bool:
        return relay._failures > 0

    await eventually(failed, "the relay's first failure")
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not await empty(world)
    async with relaying(world):
        await eventually(lambda: empty(world), "an empty outbox")


async def test_a_relay_that_ends_hands_over_although_other_processes_go_on_committing(world: World) -> None:
    await world.create(world.sample.out.template)
    busy = True

    async def commit_without_end() -> None:
        connection = await asyncpg.connect(world.dsn)
        number = 0
        while busy:
            await connection.execute(INSERT, world.sample.out.template, b"other", f'{{"number":{number}}}'.encode())
            number += 1
        await connection.close()

    class Slow(Producer):
        """Takes its time, so that others have always committed something before a round is over."""

        async def send(self, rows: Any) -> Any:
            sent = await super().send(rows)
            await asyncio.sleep(0.05)
            return sent

    other = asyncio.create_task(commit_without_end())
    try:
        async with relaying(world, producer=Slow):
            await eventually(lambda: published(world), "the first events")
            await publish(world, *(("mine", -n) for n in range(1, 100)))
        # Its end waited for nobody (`relaying` gives it 20 s), and everything that it had committed itself has left.
        assert not await world.sql("SELECT FROM outbox WHERE key = 'mine'")
        assert not other.done()
    finally:
        busy = False
        await other
    async with relaying(world):
        await eventually(lambda: empty(world), "an empty outbox")
    found = await values(world)
    assert sorted(each for each in found if each < 0) == list(range(-99, 0))
    assert [each for each in found if each >= 0] == list(range(max(found) + 1))


async def published(world: World) -> bool:
    return bool(await values(world))
