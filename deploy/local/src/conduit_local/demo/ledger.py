"""Which sample each record is about, and so the outcome of every sample of a run."""

from __future__ import annotations

from collections.abc import Mapping

from conduit_local.demo.observations import Outcome, Seen, fold


class Ledger:
    """The outcomes of a run, by sample. Feed it every record, in any interleaving of topics."""

    def __init__(self, references: Mapping[tuple[str, str], str]) -> None:
        """`references` gives samples by partner and reference."""
        self._references = references
        self._positions: dict[str, str] = {}
        self._by_referral: dict[str, str] = {}
        self._known: dict[tuple[str, str], str] = {}
        self._waiting: dict[str, list[Seen]] = {}
        self.outcomes: dict[str, Outcome] = {}
        self.reused_ids: set[tuple[str, str]] = set()
        """Event ids, by topic, that stood on two records of different content."""

    def add(self, seen: Seen) -> list[tuple[str, Seen]]:
        """Take note of a record. Returns the records that are new and now known to be about a sample, with the sample."""
        key = (seen.topic, seen.event_id)
        if key in self._known:
            if self._known[key] != seen.text:
                self.reused_ids.add(key)
            return []
        self._known[key] = seen.text
        return self._take(seen)

    def place(self, position: str, sample: str) -> list[tuple[str, Seen]]:
        """A sample's own record lies here, which is all that a refusal of an unreadable one may name."""
        self._positions[position] = sample
        return [found for seen in self._waiting.pop("", []) for found in self._take(seen)]

    def _take(self, seen: Seen) -> list[tuple[str, Seen]]:
        sample = self._sample_of(seen)
        referral_id = str(seen.value.get("referral_id", ""))
        if sample is None:
            self._waiting.setdefault(referral_id, []).append(seen)
            return []
        earlier = self._learn(referral_id, sample)
        outcome = self.outcomes.setdefault(sample, Outcome())
        for record in (*earlier, seen):
            fold(outcome, record)
        return [(sample, record) for record in (*earlier, seen)]

    def _learn(self, referral_id: str, sample: str) -> list[Seen]:
        """What was seen of the referral before it was known whose it is."""
        if not referral_id:
            return []
        self._by_referral[referral_id] = sample
        return self._waiting.pop(referral_id, [])

    def _sample_of(self, seen: Seen) -> str | None:
        known = self._by_referral.get(str(seen.value.get("referral_id")))
        if known is not None:
            return known
        content = next((seen.value[part] for part in ("referral", "supplement") if part in seen.value), seen.value)
        by_reference = self._references.get((content.get("partner_id", ""), content.get("partner_reference", "")))
        return by_reference or self._positions.get(str(seen.value.get("submission_id")))
