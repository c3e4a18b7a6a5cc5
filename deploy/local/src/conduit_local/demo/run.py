"""One run of the samples through a running stack: partners, officers and forces act, and everything seen is compared.

It ends when every sample has come to what is expected and nothing moves any more; or when nothing moves any more and
something is still missing; or when a service has ended, or patience.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Iterator, Sequence

from conduit_contracts import topics
from conduit_contracts.programme import PartnerRegistered
from conduit_local.demo import registers
from conduit_local.demo.cases import Behaviour
from conduit_local.demo.connectors import Connectors
from conduit_local.demo.expectations import differences
from conduit_local.demo.ledger import Ledger
from conduit_local.demo.notices import Mailbox, Notice, lacking, leaks
from conduit_local.demo.observations import Outcome, Seen
from conduit_local.demo.observer import Observer, position
from conduit_local.demo.officers import Officers
from conduit_local.demo.partners import Partners
from conduit_local.demo.post import Post
from conduit_local.demo.records import Wire
from conduit_local.demo.result import Options, Result, Row
from conduit_local.demo.samples import Sample, duty_contacts, force_register, load_partners
from conduit_local.demo.webhook_sink import WebhookSink
from conduit_local.local_officers import LocalOfficers
from conduit_local.stack import Stack
from conduit_operate.doors import open_doors
from conduit_operate.lag import Lag

WEBHOOK_PARTNER = "open-door"
"""The sample partner that takes webhooks; its secret has its name."""
QUIET_SECONDS = 1.0
"""So long nothing must move before a run is over."""
STUCK_SECONDS = 45.0
"""How long nothing may move before the demo gives up on an incomplete run."""


async def run_samples(stack: Stack, samples: Sequence[Sample], options: Options | None = None) -> Result:
    """Run the samples on a stack that is ready."""
    strangers = {sample.case.partner for sample in samples} - set(stack.options.partner_ids)
    if strangers:
        await asyncio.to_thread(open_doors, stack.broker, strangers, ())
    async with Post(stack.broker) as post:
        return await _Run(stack, samples, options or Options(), post).result()


class _Run:
    def __init__(self, stack: Stack, samples: Sequence[Sample], options: Options, post: Post) -> None:
        self._options, self._post = options, post
        self._samples = {sample.number: sample for sample in samples}
        self._broker = stack.broker
        self._services = stack.options.services
        self._children = stack.processes()
        self._mailbox = Mailbox(stack.smtp_folder)
        self._webhooks = WebhookSink(stack.secrets_dir, WEBHOOK_PARTNER)
        self._lag = Lag(self._broker)
        self._by_reference = {sample.reference(options.name): sample for sample in samples}
        self._ledger = Ledger(
            {(sample.case.partner, reference): sample.number for reference, sample in self._by_reference.items()}
        )
        self._partners = Partners(self._samples, options.name)
        self._officers = Officers(self._samples, LocalOfficers.of(stack.state_dir))
        self._outbox: asyncio.Queue[tuple[str, Wire]] = asyncio.Queue()
        self._counts: Counter[str] = Counter()
        self._verdicts: dict[str, list[str]] = {}
        self._dirty = set(self._samples)
        self._interrupting: list[asyncio.Future[None]] = []
        self._moved = self._began = time.monotonic()

    async def result(self) -> Result:
        connectors = Connectors(self._broker, self._post, self._behaviour)
        async with Observer(self._broker) as observer, connectors, self._webhooks:
            await registers.publish(self._post, [*self._register(), *force_register(), *duty_contacts()])
            await asyncio.to_thread(registers.wait_until_known, self._lag, self._check)
            self._moved = self._began = time.monotonic()
            background = [asyncio.create_task(self._feed()), asyncio.create_task(self._send())]
            try:
                await self._watch(observer, connectors, background)
            finally:
                for task in background:
                    task.cancel()
                await asyncio.gather(*background, return_exceptions=True)
            seconds = time.monotonic() - self._began
            self._judge()
            notices = await self._notices()
        return Result(self._rows(), [*self._problems(), *notices], seconds, self._counts)

    def _register(self) -> Iterator[PartnerRegistered]:
        """The partners, with this run's webhook in the place of the one that stands in the file."""
        for partner in load_partners():
            webhook = {"webhook_url": self._webhooks.url} if partner.contact.webhook_url else {}
            yield partner.model_copy(update={"contact": partner.contact.model_copy(update=webhook)})

    def _check(self) -> None:
        for child in self._children:
            child.ensure_alive()

    def _behaviour(self, force_id: str, reference: str) -> Behaviour:
        sample = self._by_reference.get(reference)
        return sample.case.forces.get(force_id, Behaviour()) if sample else Behaviour()

    async def _feed(self) -> None:
        for number in self._samples:
            self._speak(number)
            await asyncio.sleep(self._options.pace_seconds)

    def _speak(self, number: str) -> None:
        for wire in self._partners.due(number, self._outcome(number)):
            self._outbox.put_nowait((number, wire))

    async def _send(self) -> None:
        """One record after the other, so that what one person sends keeps its order."""
        while True:
            number, wire = await self._outbox.get()
            sent = await (await self._post.send(wire))
            if topics.PARTNER_REFERRALS.match(wire.topic):
                self._react(self._ledger.place(position(sent.topic, sent.partition, sent.offset), number))
            self._outbox.task_done()

    async def _watch(self, observer: Observer, connectors: Connectors, background: list[asyncio.Task[None]]) -> None:
        while not await self._is_over(background[0]):
            for seen in await observer.poll():
                self._counts[seen.on] += 1
                self._moved = time.monotonic()
                self._react(self._ledger.add(seen))
            self._interrupt()
            connectors.raise_if_failed()
            for task in (*background, *self._interrupting):
                if task.done():
                    task.result()
            self._options.show(self._ledger.outcomes)

    def _react(self, found: Sequence[tuple[str, Seen]]) -> None:
        for number, seen in found:
            self._dirty.add(number)
            for wire in self._officers.see(number, seen):
                self._outbox.put_nowait((number, wire))
            if seen.on == "partner.updates":
                self._speak(number)

    def _interrupt(self) -> None:
        for interruption in self._options.interruptions[len(self._interrupting) :]:
            if self._counts[interruption.on] < interruption.after:
                return
            self._interrupting.append(asyncio.ensure_future(asyncio.to_thread(interruption.do)))

    async def _is_over(self, feed: asyncio.Task[None]) -> bool:
        now = time.monotonic()
        if now - self._began > self._options.patience_seconds or self._is_lost():
            return True
        if now - self._moved < QUIET_SECONDS or not self._is_calm(feed):
            return False
        self._judge()
        lacking = any(self._verdicts.values()) or self._partners.waiting
        if lacking:
            return now - self._moved > STUCK_SECONDS
        return not await asyncio.to_thread(self._lag.of_all, self._services)

    def _is_lost(self) -> bool:
        """Whether a service has ended that nobody is about to start again."""
        interrupted = any(not task.done() for task in self._interrupting)
        return not interrupted and not all(child.alive for child in self._children)

    def _is_calm(self, feed: asyncio.Task[None]) -> bool:
        interrupted = len(self._interrupting) == len(self._options.interruptions) and all(
            task.done() for task in self._interrupting
        )
        return feed.done() and self._outbox.empty() and interrupted

    def _judge(self) -> None:
        for number in self._dirty:
            self._verdicts[number] = differences(self._samples[number], self._outcome(number))
        self._dirty.clear()

    def _outcome(self, number: str) -> Outcome:
        return self._ledger.outcomes.get(number) or Outcome()

    async def _notices(self) -> list[str]:
        """What is wrong with e-mails and webhooks, once no more come: how many come in a second is the machine's."""
        pairs = [(sample, self._outcome(number)) for number, sample in self._samples.items()]
        reached = {partner.partner_id: _reached(partner) for partner in load_partners()}
        moved, count = time.monotonic(), -1
        while True:
            found = [*self._mailbox.read(), *(Notice(WEBHOOK_PARTNER, body) for body in self._webhooks.taken.values())]
            if len(found) != count:
                moved, count = time.monotonic(), len(found)
            missing = lacking(pairs, found, reached)
            if not missing or time.monotonic() > moved + self._options.notice_seconds:
                refused = ["a webhook request was not signed"] if self._webhooks.refused else []
                return [*missing, *leaks(self._samples.values(), found), *refused]
            await asyncio.sleep(0.2)

    def _rows(self) -> list[Row]:
        return [Row(sample, self._outcome(number), self._verdicts[number]) for number, sample in self._samples.items()]

    def _problems(self) -> list[str]:
        problems = [f"event id used twice on {topic}: {event_id}" for topic, event_id in sorted(self._ledger.reused_ids)]
        problems += [f"{child.name} has ended; see {child.log_path}" for child in self._children if not child.alive]
        if len(self._interrupting) < len(self._options.interruptions):
            problems.append("the run was over before every interruption had come")
        return problems


def _reached(partner: PartnerRegistered) -> list[str]:
    contact = partner.contact
    return [*([contact.email] if contact.email else []), *([partner.partner_id] if contact.webhook_url else [])]
