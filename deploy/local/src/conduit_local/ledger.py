"""Which sample each record is about, and so the outcome of every sample of a run."""

from __future__ import annotations

from collections.abc import Mapping

from conduit_local.observations import Outcome, Seen, fold


class Ledger:
    """The outcomes of a run, by sample. Feed it every record, in any interleaving of topics."""

    def __init__(self, references: Mapping[tuple[str, str], str], positions: Mapping[str, str]) -> None:
        """`references` gives samples by partner and reference, `positions` by where their own records were written."""
        self._references, self._positions = references, positions
        self._by_referral: dict[str, str] = {}
        self._known: dict[tuple[str, str], str] = {}
        self._waiting: dict[str, list[Seen]] = {}
        self.outcomes: dict[str, Outcome] = {}
        self.reused_ids: set[tuple[str, str]] = set()
        """Event ids, by topic, that stood on two records of different content."""

    def add(self, seen: Seen) -> str | None:
        """Take note of a record; returns the sample that it turned out to be about, where that is known already."""
        key = (seen.topic, seen.event_id)
        if key in self._known:
            if self._known[key] != seen.text:
                self.reused_ids.add(key)
            return None
        self._known[key] = seen.text
        sample = self._sample_of(seen)
        if sample is not None:
            self._note(sample, seen)
        elif referral_id := seen.value.get("referral_id"):
            self._waiting.setdefault(referral_id, []).append(seen)
        return sample

    def _sample_of(self, seen: Seen) -> str | None:
        known = self._by_referral.get(str(seen.value.get("referral_id")))
        if known is not None:
            return known
        content = next((seen.value[part] for part in ("referral", "supplement") if part in seen.value), seen.value)
        by_reference = self._references.get((content.get("partner_id", ""), content.get("partner_reference", "")))
        return by_reference or self._positions.get(str(seen.value.get("submission_id")))

    def _note(self, sample: str, seen: Seen) -> None:
        outcome = self.outcomes.setdefault(sample, Outcome())
        fold(outcome, seen)
        referral_id = seen.value.get("referral_id")
        if referral_id and referral_id not in self._by_referral:
            self._by_referral[referral_id] = sample
            for earlier in self._waiting.pop(referral_id, ()):
                fold(outcome, earlier)
