-- What a notice is, besides danger, decides its share of the turns. A notice that the release before queues meanwhile counts
-- as something new, which is no later than it would have been.
ALTER TABLE notices
    ADD COLUMN kind text NOT NULL DEFAULT 'new' CHECK (kind IN ('new', 'progress', 'reminder', 'sandbox'));
COMMENT ON COLUMN notices.kind IS 'Each kind has a share of the turns. Danger has none: it goes before all of them.';
UPDATE notices SET kind = CASE
        WHEN audience LIKE '%--sandbox' THEN 'sandbox'
        WHEN template IN ('force_handoff_overdue', 'force_handoff_escalated', 'hub_handoff_escalated', 'hub_notice_failed')
            THEN 'reminder'
        WHEN template IN ('partner_referral_received', 'partner_referral_accepted', 'partner_case_handed_over') THEN 'progress'
        ELSE 'new' END
    WHERE state = 'queued';
-- One audience after another is found by it, however many notices wait for each.
CREATE INDEX notices_in_turn ON notices (channel, kind, audience, next_attempt_at) WHERE state = 'queued' AND NOT urgent;
