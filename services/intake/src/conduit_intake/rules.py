"""Whether a submission is in order, and whether it is new. Pure: what is known comes in, an Answer goes out.

A referral is idempotent on partner and partner reference, with a hash of its content. A lapsed Memorandum of
Understanding (MoU) stops new referrals only: what the hub holds can always be added to and withdrawn.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from itertools import islice
from typing import Any, TypeAlias

from conduit_contracts import danger, intake
from conduit_contracts.agreements import has_lapsed, in_force
from conduit_contracts.days import days_to_come
from conduit_contracts.doubts import advice_on
from conduit_contracts.meaning import content_hash
from conduit_contracts.names import Names
from conduit_contracts.partner import (
    InformationSupplied,
    ReconsiderationRequested,
    ReferralSubmitted,
    ReferralWithdrawn,
)
from conduit_contracts.problems import Problem
from conduit_contracts.referral import Referral, Supplement
from conduit_intake.problems import problem, referral_unknown
from conduit_intake.submissions import (
    Answer,
    Docket,
    Held,
    Outcome,
    Partner,
    Submission,
    SubmissionContext,
    claims,
    former_hash,
)

CLOCK_TOLERANCE = timedelta(minutes=5)
MOST_PROBLEMS = 20
MOST_ADDITIONS = 2_000
MOST_ADDED_BYTES = 40_000_000
MOST_LOCAL_IDS = 10_000
"""Per referral: how often something is added to it, how much in all, and how many persons and places it describes together.

Far more than people read of one case. What says danger is taken beyond it, and so is a withdrawal.
"""

Rule: TypeAlias = Callable[[Submission[Any], Partner, Held | None, SubmissionContext], Answer]


def answer(rule: Rule, submission: Submission[Any], partner: Partner, held: Held | None, scene: SubmissionContext) -> Answer:
    """What happens to a submission of `partner`. `held` is the partner's referral of that reference, if there is one."""
    claimed = claims(submission.message)
    if claimed.partner_id != submission.partner_id:
        return _reject(submission, [problem("identity_mismatch", f"{claimed.path}partner_id")], None)
    if partner.suspended:
        return _reject(submission, [problem("partner_suspended", f"{claimed.path}partner_id")], held)
    return rule(submission, partner, held, scene)


def receive(
    submission: Submission[ReferralSubmitted], partner: Partner, held: Held | None, scene: SubmissionContext
) -> Answer:
    """A new referral is received, the same again repeated, a different one under its reference refused."""
    referral = submission.message.referral
    digest = content_hash(referral)
    if held is not None:
        return _receive_again(submission, held, digest)
    taken_on = scene.day_of(submission.sent_at)
    lapsed = referral.immediate_danger and _has_lapsed(partner, referral, taken_on)
    problems = [
        *_too_large(submission, scene),
        *_in_future("referral.reported_at", referral.reported_at, scene, submission.sent_at),
        *_yet_to_come("referral", referral, scene, submission.sent_at),
        *([] if lapsed else _without_mou(partner, referral, taken_on)),
    ]
    if problems:
        return _reject(submission, problems, None)
    received = intake.ReferralReceived(
        referral_id=scene.new_id(submission.sent_at),
        received_at=scene.now,
        partner_id=submission.partner_id,
        partner_reference=referral.partner_reference,
        urgency=referral.urgency,
        immediate_danger=referral.immediate_danger,
        referral=referral,
        warnings=advice_on(referral),
        mou_lapsed=lapsed,
    )
    return Answer(Outcome.RECEIVED, received, hold(received, digest), ("mou_lapsed",) if lapsed else ())


def supply(
    submission: Submission[InformationSupplied], _partner: Partner, held: Held | None, scene: SubmissionContext
) -> Answer:
    """Information goes on if its local ids fit what the hub holds."""
    supplement = submission.message.supplement
    if held is None:
        return _unknown(submission)
    digest = content_hash(supplement)
    if digest in held.supplements or former_hash(supplement) in held.supplements:
        return _repeat(submission, held)
    if held.withdrawn_at is not None:
        return _withdrawn(submission, held)
    problems = [
        *_too_large(submission, scene),
        *_in_future("supplement.supplied_at", supplement.supplied_at, scene, submission.sent_at),
        *_yet_to_come("supplement", supplement, scene, submission.sent_at),
        *_full(submission, held),
        *_misfits(supplement, held),
    ]
    if problems:
        return _reject(submission, problems, held)
    enlarged = replace(
        held,
        supplements=held.supplements | {digest},
        added_bytes=held.added_bytes + len(submission.body),
        place_ids=held.place_ids.union(place.place_id for place in supplement.places),
        person_ids=held.person_ids.union(person.person_id for person in supplement.persons),
    )
    event = intake.InformationSupplied(referral_id=held.referral_id, supplement=supplement, warnings=advice_on(supplement))
    return Answer(Outcome.FORWARDED, event, enlarged, ("corrects",) if supplement.corrects else ())


def withdraw(
    submission: Submission[ReferralWithdrawn], _partner: Partner, held: Held | None, scene: SubmissionContext
) -> Answer:
    """A referral is withdrawn once; asking again is the same request."""
    message = submission.message
    if held is None:
        return _unknown(submission)
    if held.withdrawn_at is not None:
        return _repeat(submission, held)
    event = intake.ReferralWithdrawn(
        referral_id=held.referral_id,
        partner_id=submission.partner_id,
        partner_reference=message.partner_reference,
        reason=message.reason,
        comment=message.comment,
    )
    return Answer(Outcome.FORWARDED, event, replace(held, withdrawn_at=scene.now), (message.reason,))


def reconsider(
    submission: Submission[ReconsiderationRequested], _partner: Partner, held: Held | None, scene: SubmissionContext
) -> Answer:
    """A second officer's look can be asked for once. Whether there is a decline to look at again, triage knows."""
    message = submission.message
    if held is None:
        return _unknown(submission)
    if held.withdrawn_at is not None:
        return _withdrawn(submission, held)
    if held.reconsideration_requested_at is not None:
        return _reject(submission, [problem("reconsideration_already_requested", "partner_reference")], held)
    event = intake.ReconsiderationRequested(
        referral_id=held.referral_id,
        partner_id=submission.partner_id,
        partner_reference=message.partner_reference,
        comment=message.comment,
    )
    return Answer(Outcome.FORWARDED, event, replace(held, reconsideration_requested_at=scene.now))


def refuse(docket: Docket, partner: Partner, problems: Sequence[Problem]) -> Answer:
    """A record that could not be read is answered with all that was wrong in it."""
    suspended = [problem("partner_suspended", "partner_id")] if partner.suspended else []
    return _rejection(docket, [*suspended, *problems], None)


def named(answer: Answer, names_of: Callable[[], Names]) -> Answer:
    """The refusal with what its record is called, so that the sender knows which one it was. Of nothing else it is asked."""
    event = answer.event
    if not isinstance(event, intake.SubmissionRejected):
        return answer
    names = names_of()
    reference = event.partner_reference or names.partner_reference
    told = event.model_copy(update={"event_id": names.event_id, "partner_reference": reference})
    return replace(answer, event=told)


def call_999_first(answer: Answer) -> Answer:
    """The refusal of something that says that a child is in danger."""
    event = answer.event
    if not isinstance(event, intake.SubmissionRejected):
        return answer
    return replace(answer, event=event.model_copy(update={"problems": (danger.call_999(), *event.problems)}))


def danger_reported(
    docket: Docket,
    heard: danger.Heard,
    codes: Sequence[str],
    held: Held | None,
    *,
    waits_until: datetime | None = None,
    event_id: str | None = None,
) -> intake.DangerReported:
    """What a person at the hub must hear, of something that says danger and was not taken, or waits until it is."""
    return intake.DangerReported(
        partner_id=docket.partner_id,
        partner_reference=docket.partner_reference or heard.partner_reference,
        referral_id=held.referral_id if held else None,
        submission_id=docket.submission_id,
        codes=tuple(codes),
        callback=heard.callback,
        waits_until=waits_until,
        event_id=event_id,
    )


def last_days(partners: Iterable[Partner], on: date) -> list[date]:
    """The last day of every MoU in force, the soonest first."""
    mous = (mou for partner in partners if not partner.suspended for mou in partner.mous)
    return sorted(mou.valid_to for mou in mous if in_force(mou, on))


def _receive_again(submission: Submission[ReferralSubmitted], held: Held, digest: bytes) -> Answer:
    # After a withdrawal even the same words are no repetition: who sends them means to refer again.
    if held.withdrawn_at is not None:
        return _withdrawn(submission, held)
    if held.content_hash in (digest, former_hash(submission.message.referral)):
        return _repeat(submission, held)
    return _reject(submission, [problem("reference_reused", "referral.partner_reference")], held)


def hold(received: intake.ReferralReceived, digest: bytes) -> Held:
    """The referral as the hub holds it from then on."""
    return Held(
        referral_id=received.referral_id,
        content_hash=digest,
        received_at=received.received_at,
        place_ids=frozenset(place.place_id for place in received.referral.places),
        person_ids=frozenset(person.person_id for person in received.referral.persons),
    )


def _too_large(submission: Submission[Any], scene: SubmissionContext) -> list[Problem]:
    return [problem("referral_too_large", "value")] if len(submission.body) > scene.max_bytes else []


def _full(submission: Submission[InformationSupplied], held: Held) -> list[Problem]:
    """Nobody can read without end, and no referral may take the room of all others."""
    supplement = submission.message.supplement
    new_places = {place.place_id for place in supplement.places} - held.place_ids
    new_persons = {person.person_id for person in supplement.persons} - held.person_ids
    new, known = len(new_places) + len(new_persons), len(held.place_ids) + len(held.person_ids)
    full = (
        len(held.supplements) >= MOST_ADDITIONS
        or held.added_bytes + len(submission.body) > MOST_ADDED_BYTES
        or (new > 0 and known + new > MOST_LOCAL_IDS)
    )
    return [problem("referral_full", "supplement")] if full and not supplement.immediate_danger else []


def _in_future(field: str, moment: datetime, scene: SubmissionContext, sent_at: datetime | None) -> list[Problem]:
    """Only what no clock of ours has reached: a clock that is behind is the hub's fault, and no sender's."""
    return [problem("time_in_future", field)] if moment > _latest(scene, sent_at) else []


def _yet_to_come(
    field: str, told: Referral | Supplement, scene: SubmissionContext, sent_at: datetime | None
) -> list[Problem]:
    """Nobody was born, abused or asked on a day that no clock of ours has reached."""
    today = scene.day_of(_latest(scene, sent_at))
    return [problem("time_in_future", f"{field}.{path}") for path in islice(days_to_come(told, today), MOST_PROBLEMS)]


def _latest(scene: SubmissionContext, sent_at: datetime | None) -> datetime:
    return max(scene.now, scene.latest or scene.now, sent_at or scene.now) + CLOCK_TOLERANCE


def _without_mou(partner: Partner, referral: Referral, on: date) -> list[Problem]:
    named = [mou for mou in partner.mous if mou.reference == referral.mou_reference]
    if any(in_force(mou, on) for mou in named):
        return []
    return [problem("mou_not_in_force" if named else "mou_unknown", "referral.mou_reference")]


def _has_lapsed(partner: Partner, referral: Referral, on: date) -> bool:
    """Whether the MoU was in force once, has ended since, and nobody suspended it."""
    named = [mou for mou in partner.mous if mou.reference == referral.mou_reference and not mou.suspended]
    return bool(named) and all(has_lapsed(mou, on) for mou in named)


def _misfits(supplement: Supplement, held: Held) -> list[Problem]:
    """Local ids that name nothing, or something else already."""
    places = [place.place_id for place in supplement.places]
    persons = [person.person_id for person in supplement.persons]
    known = held.place_ids.union(places)
    unknown = [
        problem("place_unknown", f"supplement.persons[{i}].place_ids[{j}]")
        for i, person in enumerate(supplement.persons)
        for j, place_id in enumerate(person.place_ids)
        if place_id not in known
    ]
    found = [
        *_clashes(persons, held.person_ids, "supplement.persons[{}].person_id", corrects=supplement.corrects),
        *_clashes(places, held.place_ids, "supplement.places[{}].place_id", corrects=supplement.corrects),
        *unknown,
    ]
    return found[:MOST_PROBLEMS]


def _clashes(ids: Sequence[str], taken: frozenset[str], field: str, *, corrects: bool) -> list[Problem]:
    found, seen = [], set[str]()
    for index, local_id in enumerate(ids):
        if local_id in seen:
            found.append(problem("local_id_repeated", field.format(index)))
        elif local_id in taken and not corrects:
            found.append(problem("local_id_taken", field.format(index)))
        seen.add(local_id)
    return found


def _unknown(submission: Submission[Any]) -> Answer:
    return _reject(submission, [referral_unknown(f"{claims(submission.message).path}partner_reference")], None)


def _withdrawn(submission: Submission[Any], held: Held) -> Answer:
    return _reject(submission, [problem("referral_withdrawn", f"{claims(submission.message).path}partner_reference")], held)


def _repeat(submission: Submission[Any], held: Held) -> Answer:
    event = intake.SubmissionRepeated(
        referral_id=held.referral_id, partner_id=submission.partner_id, partner_reference=submission.key.partner_reference
    )
    return Answer(Outcome.REPEATED, event, held)


def _reject(submission: Submission[Any], problems: Sequence[Problem], held: Held | None) -> Answer:
    return _rejection(submission.docket, problems, held)


def _rejection(docket: Docket, problems: Sequence[Problem], held: Held | None) -> Answer:
    event = intake.SubmissionRejected(
        partner_id=docket.partner_id,
        partner_reference=docket.partner_reference,
        referral_id=held.referral_id if held else None,
        submission_id=docket.submission_id,
        problems=tuple(problems),
    )
    return Answer(Outcome.REJECTED, event, held, tuple(dict.fromkeys(each.code for each in problems)))
