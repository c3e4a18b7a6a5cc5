-- A person at a force may take its part on by telephone, while its connector is silent; and an officer may name who looks after a
-- child while no home force is settled.

ALTER TABLE handoffs ADD COLUMN by_telephone boolean NOT NULL DEFAULT false;
ALTER TABLE handoffs ADD COLUMN part_sent_at timestamptz;
ALTER TABLE handoffs ADD COLUMN contact_mark text;
COMMENT ON COLUMN handoffs.by_telephone IS
    'It was acknowledged by telephone alone. The connector has not acknowledged since, and may have confirmed nothing: received_at.';
COMMENT ON COLUMN handoffs.part_sent_at IS 'When the force was sent this version of its part. Null: before this was kept.';
COMMENT ON COLUMN handoffs.contact_mark IS
    'A digest of what the force said last of contact with victims, so that the same is told once. The words are not here.';

ALTER TABLE handoffs DROP CONSTRAINT received_has_a_time, DROP CONSTRAINT clocks_run_only_while_waiting;
ALTER TABLE handoffs
    ADD CONSTRAINT received_has_a_time CHECK (
        state NOT IN ('received', 'acknowledged') OR received_at IS NOT NULL OR (state = 'acknowledged' AND by_telephone)
    ),
    ADD CONSTRAINT clocks_run_only_while_waiting CHECK (
        next_action_at IS NULL OR state IN ('disseminated', 'received') OR (state = 'acknowledged' AND received_at IS NULL)
    );
CREATE INDEX handoffs_receipt_due_after_a_call ON handoffs (receipt_due_at) WHERE state = 'acknowledged' AND received_at IS NULL;

ALTER TABLE cases ADD COLUMN named_interim text;
COMMENT ON COLUMN cases.named_interim IS
    'The force that an officer named last to look after the child while no home force is settled.';
