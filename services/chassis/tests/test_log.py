"""Nothing that a record holds reaches a log."""

import asyncio
import json
import logging
from typing import Any

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from conduit_chassis.log import QUIET_SECONDS, SAID, Calm

CANARY = "Mary Canary, 12 Nightingale Row"

Logs = pytest.CaptureFixture[str]


def fail() -> None:
    raise ValueError(CANARY)


def lines(logs: Logs) -> list[dict[str, Any]]:
    return [json.loads(line) for line in logs.readouterr().out.splitlines()]


def test_what_is_not_on_the_list_is_dropped_and_named(logs: Logs) -> None:
    structlog.get_logger().info("done", records=3, surname=CANARY)
    (line,) = lines(logs)
    assert line["records"] == 3
    assert line["dropped"] == ["surname"]
    assert CANARY not in json.dumps(line)


def test_what_is_too_long_is_only_measured(logs: Logs) -> None:
    structlog.get_logger().info("done", reason=CANARY * 20)
    assert lines(logs)[0]["reason"] == f"<{len(CANARY) * 20} characters>"


def test_an_object_is_not_printed(logs: Logs) -> None:
    structlog.get_logger().info("done", reason={"name": CANARY})
    assert lines(logs)[0]["reason"] == "<dict>"


@pytest.mark.parametrize("as_keyword", [True, False])
def test_an_exception_is_its_class_and_place(logs: Logs, *, as_keyword: bool) -> None:
    try:
        fail()
    except ValueError as error:
        if as_keyword:
            structlog.get_logger().error("failed", exc_info=error)
        else:
            structlog.get_logger().exception("failed")
    (line,) = lines(logs)
    assert line["error"] == "ValueError"
    assert line["at"][-1].startswith("test_log.py:")
    assert CANARY not in json.dumps(line)


def test_a_librarys_template_is_kept_and_its_values_are_not(logs: Logs) -> None:
    logging.getLogger("aiokafka.consumer").error("Failed fetch from %s after %d: %s", CANARY, 3, ValueError(CANARY))
    assert lines(logs)[0]["event"] == "Failed fetch from <str> after 3: ValueError"


@pytest.mark.parametrize("name", ["faststream", "asyncpg", "asyncio", "some.library"])
def test_a_message_that_may_be_filled_in_already_is_only_located(logs: Logs, name: str) -> None:
    logging.getLogger(name).error(f"no handler for {CANARY}")  # noqa: G004 - that is what such libraries do
    (line,) = lines(logs)
    assert line["event"] == "library_message"
    assert line["at"][0].startswith("test_log:")
    assert CANARY not in json.dumps(line)


def test_a_librarys_exception_is_its_class(logs: Logs) -> None:
    try:
        fail()
    except ValueError:
        logging.getLogger("aiokafka").exception("Unexpected error")
    (line,) = lines(logs)
    assert line["error"] == "ValueError"
    assert CANARY not in json.dumps(line)


async def test_a_forgotten_tasks_exception_is_not_printed(logs: Logs) -> None:
    task = asyncio.create_task(asyncio.to_thread(fail))
    await asyncio.wait([task])
    del task
    assert CANARY not in json.dumps(lines(logs))


def test_aiokafkas_payload_dump_stays_off_at_debug(logs: Logs) -> None:
    logging.getLogger("aiokafka.producer").debug("Sending (key=%s value=%s)", CANARY, CANARY)
    assert lines(logs) == []


class TestCalm:
    """What is said again and again is said a few times, and then counted."""

    def test_a_storm_is_said_a_few_times_and_another_thing_all_the_same(self, logs: Logs) -> None:
        for attempt in range(5_000):
            structlog.get_logger().warning("fetch_failed", attempt=attempt, exc_info=ConnectionResetError())
            logging.getLogger("aiokafka.consumer").error("Failed fetch messages from %s: %s", 1, ConnectionResetError())
        structlog.get_logger().warning("fetch_failed", exc_info=TimeoutError())
        found = [line["event"] for line in lines(logs)]
        assert len(found) == 2 * SAID + 1

    def test_an_errors_own_words_do_not_make_it_another_thing(self, logs: Logs) -> None:
        for offset in range(1_000):
            structlog.get_logger().info("offsets_not_committed", error=ConnectionResetError(f"at {offset}"))
        assert len(lines(logs)) == SAID

    @given(st.lists(st.tuples(st.sampled_from(["a", "b", "c"]), st.floats(0, 20)), max_size=300))
    def test_every_line_is_said_or_counted(self, turns: list[tuple[str, float]]) -> None:
        now = [0.0]
        calm = Calm(lambda: now[0])
        said, counted = 0, 0

        def say(name: str) -> None:
            nonlocal said, counted
            try:
                event = calm(None, "warning", {"event": "x", "name": name})
            except structlog.DropEvent:
                return
            said += 1
            counted += event.get("repeated", 0)

        for name, wait in turns:
            now[0] += wait
            say(name)
        now[0] += QUIET_SECONDS
        for name in ("a", "b", "c"):
            say(name)
        assert said + counted == len(turns) + 3

    @given(st.integers(1, 3_000))
    def test_no_more_than_a_few_lines_within_a_while(self, count: int) -> None:
        calm = Calm(lambda: 0.0)
        said = 0
        for _ in range(count):
            try:
                calm(None, "error", {"event": "x"})
            except structlog.DropEvent:
                continue
            said += 1
        assert said == min(count, SAID)
