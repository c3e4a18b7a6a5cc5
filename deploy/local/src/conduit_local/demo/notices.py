"""Whether everybody who must hear by e-mail or webhook did, and nobody read more than a notice may say."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from email.message import EmailMessage
from pathlib import Path

from conduit_local.demo.expectations import shown
from conduit_local.demo.observations import Outcome, plain_json
from conduit_local.demo.samples import Sample
from conduit_local.services import HUB_EMAIL
from conduit_local.smtp_sink import message_paths, read_message


@dataclass(frozen=True, slots=True)
class Notice:
    """One e-mail or webhook request. `to` is an address, or the partner's id for a webhook."""

    to: str
    text: str


class Mailbox:
    """What the SMTP sink takes from now on."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._read = set(message_paths(folder))
        self._notices: list[Notice] = []

    def read(self) -> list[Notice]:
        """Every e-mail so far, once per recipient."""
        for path in message_paths(self._folder):
            if path not in self._read:
                self._read.add(path)
                self._notices += _notices(read_message(path))
        return self._notices


def _notices(message: EmailMessage) -> Iterator[Notice]:
    # What the conduit writes is plain text. On a watched stack, Alertmanager's letters come here, too.
    plain = message.get_body(("plain",))
    text = f"{message['Subject']}\n{plain.get_content() if plain else ''}"
    for recipient in str(message["X-Envelope-To"]).split(","):
        yield Notice(recipient.strip(), text)


def lacking(
    outcomes: Iterable[tuple[Sample, Outcome]], notices: Sequence[Notice], partners: Mapping[str, Sequence[str]]
) -> list[str]:
    """Who has not heard of a referral that concerns them. `partners` gives each partner's addresses."""
    told = {(notice.to, word) for notice in notices for word in notice.text.replace('"', " ").split()}
    return [
        f"{sample.number}: no notice to {address}"
        for sample, outcome in outcomes
        for address in _addresses(sample, outcome, partners)
        if not any((address, referral_id) in told for referral_id in outcome.referral_ids)
    ]


def _addresses(sample: Sample, outcome: Outcome, partners: Mapping[str, Sequence[str]]) -> Iterator[str]:
    if not outcome.referral_ids:
        return
    yield from partners.get(sample.case.partner, ())
    for force_id in outcome.handoffs:
        yield f"safeguarding@{force_id}.police.example"
    for force_id, times in outcome.escalated.items():
        if times:
            yield f"duty-inspector@{force_id}.police.example"
    if outcome.routing_reviews and not _acted_on_at_once(sample):
        yield HUB_EMAIL


def _acted_on_at_once(sample: Sample) -> bool:
    """Whether an officer may do what a duty task asks for before anybody on duty is called: in danger any act does."""
    acts = {act.when for act in sample.case.officers}
    return "routing_review_opened" in acts or (bool(acts) and sample.case.expect.told_to_call_999)


def leaks(samples: Iterable[Sample], notices: Sequence[Notice]) -> list[str]:
    """Notices that hold a part of a case."""
    texts = [plain_json(notice.text) for notice in notices]
    return [f"a notice holds {sample.number}'s {token}" for sample in samples for token in sorted(shown(sample, texts))]
