"""Rows of one referral as the four services write them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from conduit_contracts.ids import first_of

REFERRAL = first_of(datetime.now(UTC) - timedelta(hours=1))
EVENT, REFERENCE, SECRET = "0193b3f0-0000-7000-8000-00000000000e", "NL-1", "canary of a person"
GIVEN = {"id": REFERRAL, "event": EVENT, "secret": SECRET.encode(), "key": str(REFERRAL).encode()}
STAGES = ("intake received", "triage assessed", "triage for_forces", "routing routed", "routing sent", "notification told")

ROWS: Mapping[str, str] = {
    "intake": """
INSERT INTO referrals (referral_id, partner_id, partner_reference, content_hash, received_at, place_ids, person_ids,
body)
VALUES (%(id)s, 'northlight', 'NL-1', decode(repeat('00', 32), 'hex'), now(), '{}', '{}', %(secret)s);
INSERT INTO partners (partner_id, suspended, mous, registered_at) VALUES ('northlight', false, '[]', now())
ON CONFLICT DO NOTHING;
INSERT INTO history (referral_id, at, actor, what, why, event_id, partner_id, partner_reference, submission_id, kind)
VALUES (%(id)s, now() - interval '9 min', 'partner:northlight', 'received', '', %(event)s, 'northlight', 'NL-1',
'sub-1', 'referral'), (NULL, now(), 'partner:northlight', 'rejected', 'field_missing', 'e2', 'northlight', 'NL-2',
'sub-2', 'referral');
INSERT INTO outbox_rejected (id, topic, key, headers, value, reason)
VALUES (7, 'intake.referrals.v1', %(key)s, '', %(secret)s, 'MessageSizeTooLargeError')
""",
    "triage": """
INSERT INTO assessments (referral_id, partner_id, partner_reference, received_at, body, state, danger_raised, rounds,
grounds, policy_version)
VALUES (%(id)s, 'northlight', 'NL-1', now(), %(secret)s, 'under_review', true, 1, '{}', '1');
INSERT INTO reviews (referral_id, reasons, urgency, immediate_danger, opened_at, due_at, waiting_for_partner)
VALUES (%(id)s, '{nature_unclear}', 'urgent', true, now() - interval '8 min', now() - interval '1 min', false);
INSERT INTO history (referral_id, at, actor, what, why, policy_version, event_id)
VALUES (%(id)s, now() - interval '8 min', 'rules', 'review_opened', 'nature_unclear', '1', 'e3');
INSERT INTO dead_letters (topic, partition, record_offset, key, digest, reason, error_class, at)
VALUES ('intake.referrals.v1', 0, 5, %(key)s, '', 'handler_failed', 'KeyError', now())
""",
    "routing": """
INSERT INTO cases (referral_id, partner_id, partner_reference, body, urgency, immediate_danger, provisional,
opened_at, policy_version, state, version)
VALUES (%(id)s, 'northlight', 'NL-1', %(secret)s, 'urgent', true, true, now() - interval '7 min', '1', 'open', 1);
INSERT INTO handoffs (referral_id, force_id, areas, state, disseminated_at, receipt_due_at, acknowledgement_due_at,
received_at, chases, level, priority)
VALUES (%(id)s, 'kent', '{kent}', 'disseminated', now() - interval '7 min', now() - interval '5 min', now(), NULL, 0,
0, 'urgent'), (%(id)s, 'essex', '{essex}', 'received', now() - interval '7 min', now(), now(), now(), 0, 0, 'urgent');
INSERT INTO routing_reviews (referral_id, number, reason, about, candidates, opened_at)
VALUES (%(id)s, 1, 'home_tied', '', '{kent,essex}', now());
INSERT INTO history (referral_id, version, at, actor, what, why, force_id, policy_version, cause_id, sent_id)
VALUES (%(id)s, 1, now() - interval '7 min', 'rules', 'disseminated', '', 'kent', '1', 'e4', %(event)s)
""",
    "notification": """
INSERT INTO referrals (referral_id, partner_id, partner_reference, revision, state, triage, withdrawn,
immediate_danger, handoffs)
VALUES (%(id)s, 'northlight', 'NL-1', 2, 'under_review', 'under_review', false, true, '{}');
INSERT INTO history (referral_id, revision, at, happened_at, actor, what, state, policy_version, event_id)
VALUES (%(id)s, 2, now() - interval '6 min', now(), 'rules', 'review_opened', 'under_review', '1', 'e5');
INSERT INTO notices (notice_id, audience, channel, template, referral_id, params, urgent, state, attempts,
next_attempt_at, created_at, finished_at, code)
VALUES (gen_random_uuid(), 'force:kent', 'email', 'force_case', %(id)s, '{}', true, 'queued', 2, now(), now(), NULL,
NULL), (gen_random_uuid(), 'force:essex', 'email', 'force_case', %(id)s, '{}', true, 'sent', 1, NULL, now(), now(),
'sent');
INSERT INTO duty_tasks (task_id, kind, subject, referral_id, danger)
VALUES (gen_random_uuid(), 'danger_review', 'one', %(id)s, true)
""",
}
"""Statements, separated by semicolons."""
