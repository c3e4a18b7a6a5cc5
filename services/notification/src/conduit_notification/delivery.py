"""Delivers queued notices: one courier per channel in every process, so that a slow webhook never delays an e-mail.

An attempt is claimed, made and settled; several are settled in one transaction with the events that say so. A crash
between making and settling makes the attempt again after its lease. The receiver then sees a second copy with the same
Message-ID or webhook-id, and can drop it.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from random import random
from time import monotonic
from typing import Any
from uuid import UUID

import structlog

from conduit_chassis.backoff import jittered
from conduit_chassis.clock import Clock
from conduit_chassis.errors import worth_retrying
from conduit_chassis.outbox import Outbox
from conduit_chassis.postgres import Connection
from conduit_chassis.runtime import Runtime
from conduit_contracts.notification import Channel, NoticeFailed, NoticeSent
from conduit_contracts.topics import NOTICES
from conduit_notification import duty_store, metrics, notices, queue
from conduit_notification.notices import HUB, Claimed, Ladder, Notice
from conduit_notification.outcomes import INTERNAL_ERROR, NO_CONTACT, AttemptOutcome, next_step
from conduit_notification.policy import NotificationPolicy
from conduit_notification.queue import Result, Room, Undelivered
from conduit_notification.shares import Shares
from conduit_notification.templates import Template
from conduit_notification.turns import FOR_DANGER, Turns

_log = structlog.get_logger()

Send = Callable[[Claimed], Awaitable[AttemptOutcome]]
DRAIN_SECONDS = 5.0
QUICK_SECONDS = 0.1
"""An attempt that takes longer costs more than claiming does, and what is claimed ahead of it waits behind it."""
_WEIGHT_OF_LAST = 0.2


@dataclass(frozen=True, slots=True)
class Pace:
    """How much a courier takes on. Times are in seconds."""

    at_once: int
    """Attempts under way."""
    in_hand: int
    """Attempts claimed, so that results come in bunches. At least `at_once`."""
    share: int
    """Of these, what one audience may have, so that an endpoint that hangs holds up nobody else."""
    longest: float
    """What one attempt may take."""
    poll: float
    """How soon a queued notice is seen."""
    gather: float = 0.02
    """How long results wait for others, to be settled in one transaction."""
    for_danger: int = FOR_DANGER
    """More attempts under way, which only notices of danger have: they wait for no turn of another's."""

    @property
    def lease(self) -> timedelta:
        """How long a claim holds: longer than all that is in hand can take."""
        return timedelta(seconds=self.longest * -(-(self.in_hand + self.for_danger) // self.at_once) + 5)

    def ahead(self, seconds: float) -> int:
        """What to have in hand where attempts take so long: no more than turns, but where they are over in no time."""
        return self.in_hand if seconds < QUICK_SECONDS else self.at_once


class Courier:
    """Delivers the notices of one channel, `pace.at_once` at a time."""

    def __init__(
        self, runtime: Runtime, channel: Channel, send: Send, policy: NotificationPolicy, pace: Pace, hub: Ladder
    ) -> None:
        self._runtime = runtime
        self._clock: Clock = runtime.clock
        self.channel = channel
        self._send = send
        self._policy = policy
        self._pace = pace
        self._hub = hub
        self._turns = Turns(pace.at_once, pace.for_danger)
        self._shares = Shares()
        self._usual_seconds = 0.0
        self._in_hand: dict[asyncio.Task[list[Result]], Claimed] = {}
        self._waiting: dict[UUID, Claimed] = {}
        """In hand, and not begun."""
        self._results: list[Result] = []

    async def run(self) -> None:
        """Deliver for ever. On cancellation, finish what is under way and give the rest back."""
        failures = 0
        try:
            while True:
                try:
                    await self.step()
                    failures = 0
                except Exception as error:
                    failures += 1
                    if not worth_retrying(error, failures):
                        raise
                    _log.warning("delivery_interrupted", attempt=failures, exc_info=error)
                    await asyncio.sleep(jittered(failures))
        finally:
            await self._drain()

    @property
    def idle(self) -> bool:
        """Whether nothing is in hand and every result is settled."""
        return not self._in_hand and not self._results

    async def step(self) -> None:
        """Claim what there is room for, wait for something to happen, and settle what is finished."""
        claimed = await self._claim()
        # More may be due where something was.
        patience = 0 if claimed else self._pace.poll
        if self._in_hand:
            done, under_way = await asyncio.wait(self._in_hand, timeout=patience, return_when=asyncio.FIRST_COMPLETED)
            if done and under_way:
                await asyncio.wait(under_way, timeout=self._pace.gather)
        else:
            await asyncio.sleep(patience)
        self._collect()
        await self._settle()

    async def _claim(self) -> int:
        """Danger has room of its own: it does not wait for what is in hand already."""
        pace = self._pace
        dangers = sum(notice.urgent for notice in self._in_hand.values())
        others = pace.ahead(self._usual_seconds) - (len(self._in_hand) - dangers)
        held = Counter(notice.audience for notice in self._in_hand.values())
        room = Room(max(0, others), max(0, pace.at_once + pace.for_danger - dangers), held, pace.share)
        if not room.others and not room.for_danger:
            return 0
        async with self._runtime.transaction() as (connection, _outbox):
            claimed = await queue.claim(connection, self.channel, pace.lease, room, self._shares)
        for notice in claimed:
            self._waiting[notice.notice_id] = notice
            self._in_hand[asyncio.create_task(self._attempt(notice))] = notice
        return len(claimed)

    async def _attempt(self, notice: Claimed) -> list[Result]:
        async with self._turns.one(urgent=notice.urgent):
            del self._waiting[notice.notice_id]
            started, at = monotonic(), self._clock.now()
            try:
                outcome = await self._send(notice)
            except Exception as error:  # one notice's fault must not stop the others
                _log.error("attempt_failed", exc_info=error)
                outcome = INTERNAL_ERROR
        seconds = monotonic() - started
        self._usual_seconds += (seconds - self._usual_seconds) * _WEIGHT_OF_LAST
        metrics.ATTEMPTS.labels(self.channel.value, outcome.code).inc()
        metrics.ATTEMPT_SECONDS.labels(self.channel.value).observe(seconds)
        jitter, now = random(), self._clock.now()  # noqa: S311 - a jitter is no secret
        return [
            Result(each, outcome, next_step(outcome, each, now, self._policy, jitter), at, int(seconds * 1000))
            for each in notice.together
        ]

    def _collect(self) -> None:
        done = [task for task in self._in_hand if task.done()]
        for task in done:
            del self._in_hand[task]
            if not task.cancelled():
                self._results += task.result()

    async def _settle(self) -> None:
        if not self._results:
            return
        async with self._runtime.transaction() as (connection, outbox):
            effective = await queue.settle(connection, self._results)
            final = [result for result in effective if result.next.wait is None]
            # What is said in a sandbox is no business of the hub's, and enters no figures.
            real = [result for result in final if not notices.is_sandbox(result.notice.audience)]
            for result in real:
                _publish(outbox, result)
            await self._tell_hub(connection, real)
        self._results.clear()
        for result in real:
            metrics.NOTICES.labels(self.channel.value, result.next.state).inc()

    async def _tell_hub(self, connection: Connection, results: list[Result]) -> None:
        """The hub is told of failures, except of those to tell it something; of one about danger, who is on duty.

        That nobody wants it there is no failure, but a force without any address must be told about danger.
        """
        failed = [each for each in results if each.next.state == "failed" and not each.notice.audience.startswith(HUB)]
        unaddressed = [each.notice.notice_id for each in results if _finds_no_address(each)]
        undelivered = await queue.without_address(connection, unaddressed)
        undelivered += [
            Undelivered(each.notice.audience, each.notice.referral_id, dict(each.notice.params))
            for each in failed
            if each.notice.urgent
        ]
        if failed:
            await self._tell_of_failures(connection, failed)
        if undelivered:
            await duty_store.open_undelivered(connection, undelivered, self._policy, self._hub)

    async def _tell_of_failures(self, connection: Connection, failed: list[Result]) -> None:
        ladder = await queue.ladder_of(connection, HUB) or self._hub
        made = [notice for each in failed for notice in self._failure_notices(each, ladder)]
        await queue.enqueue(connection, made)

    def _failure_notices(self, result: Result, ladder: Ladder) -> list[Notice]:
        """By another way than the one that fails, where the hub has one."""
        failed, now, reachable = result.notice, self._clock.now(), notices.channels_of(ladder[0])
        others = [channel for channel in reachable if channel is not failed.channel]
        template = Template.HUB_NOTICE_FAILED
        params = {
            "failed_audience": failed.audience,
            "failed_channel": failed.channel.value,
            "failed_code": result.outcome.code,
        }
        return [
            Notice(
                notice_id=notices.notice_id(str(failed.notice_id), HUB, 0, channel, template),
                audience=HUB,
                level=0,
                channel=channel,
                template=template,
                referral_id=failed.referral_id,
                params=params,
                urgent=False,
                collapse=notices.collapse_key(template, channel, f"{failed.audience}/{failed.channel}", now),
                created_at=now,
            )
            for channel in others or reachable
        ]

    async def _drain(self) -> None:
        """Give back what is not begun, and settle what ends within a short time. The lease covers the rest."""
        untouched = list(self._waiting.values())
        for task, notice in self._in_hand.items():
            if notice.notice_id in self._waiting:
                task.cancel()
        try:
            if self._in_hand:
                await asyncio.wait(self._in_hand, timeout=DRAIN_SECONDS)
            self._collect()
            await self._settle()
            async with self._runtime.transaction() as (connection, _outbox):
                await queue.release(connection, untouched)
        except Exception as error:  # the leases end by themselves
            _log.warning("delivery_not_settled", exc_info=error)
        for task in self._in_hand:
            task.cancel()
        await asyncio.gather(*self._in_hand, return_exceptions=True)


def _finds_no_address(result: Result) -> bool:
    """Whether a force, its team or its department, cannot be told of danger in any way that the register has now."""
    notice = result.notice
    nowhere = result.outcome is NO_CONTACT and not notices.channels_for(notice.ladder, notice.level)
    return nowhere and notice.urgent and notice.audience.startswith(notices.force(""))


def _publish(outbox: Outbox, result: Result) -> None:
    notice, state = result.notice, result.next.state
    if state == "dropped":
        return
    about: dict[str, Any] = {
        "notice_id": notice.notice_id,
        "audience": notice.audience,
        "channel": notice.channel,
        "template": notice.template,
        "referral_id": notice.referral_id,
        "attempts": notice.attempt,
    }
    event = NoticeSent(**about) if state == "sent" else NoticeFailed(**about, code=result.outcome.code)
    subject = str(notice.referral_id) if notice.referral_id else None
    outbox.publish(NOTICES.name(), str(notice.notice_id), event, subject=subject)
