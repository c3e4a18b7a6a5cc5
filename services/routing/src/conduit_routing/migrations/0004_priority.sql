-- What waits is measured by priority class every few seconds. With the class beside it, no hand-off's case is looked up.

ALTER TABLE handoffs ADD COLUMN priority text CHECK (priority IN ('immediate_danger', 'urgent', 'priority', 'routine'));
UPDATE handoffs SET priority = CASE WHEN cases.immediate_danger THEN 'immediate_danger' ELSE cases.urgency END
FROM cases
WHERE cases.referral_id = handoffs.referral_id AND cases.state <> 'withdrawn' AND handoffs.state IN ('disseminated', 'received');
COMMENT ON COLUMN handoffs.priority IS
    'The class of its case while the force is waited for, afterwards as it was then. Null: the case is withdrawn.';

DROP INDEX handoffs_waiting;
CREATE INDEX handoffs_waiting ON handoffs (priority, disseminated_at) INCLUDE (state)
WHERE state IN ('disseminated', 'received');
CREATE INDEX handoffs_receipt_due ON handoffs (receipt_due_at) WHERE state = 'disseminated';
CREATE INDEX handoffs_acknowledgement_due ON handoffs (acknowledgement_due_at) WHERE state IN ('disseminated', 'received');
