-- What officers do by telephone: a force took its part on in a call while its connector is silent, and at which numbers forces can
-- be called back.
ALTER TABLE handoffs ADD COLUMN by_telephone boolean NOT NULL DEFAULT false;
COMMENT ON COLUMN handoffs.by_telephone IS 'A person took it on in a call, and the force''s connector has not acknowledged since.';
ALTER TABLE handoffs DROP CONSTRAINT only_who_is_waited_for_is_late;
ALTER TABLE handoffs ADD CONSTRAINT only_who_is_waited_for_is_late CHECK (
    due_at IS NULL OR state IN ('disseminated', 'received') OR (state = 'acknowledged' AND received_at IS NULL)
);

CREATE TABLE force_numbers (
    force_id text NOT NULL,
    place smallint NOT NULL,
    whose text NOT NULL CHECK (whose ~ '^[a-z][a-z0-9_]*$'),
    telephone text NOT NULL,
    PRIMARY KEY (force_id, place)
);
COMMENT ON TABLE force_numbers IS 'The telephone numbers of each force''s team, next levels and control room, as the register said them last.';
