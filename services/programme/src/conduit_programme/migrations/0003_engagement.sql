-- What was done together, and what is to be done next.

CREATE TABLE activities (
    activity_id uuid PRIMARY KEY,
    kind text NOT NULL CHECK (kind ~ '^[a-z][a-z_]*$'),
    held_on date NOT NULL,
    state text NOT NULL CHECK (state IN ('agreed', 'proposed', 'declined', 'called_off')),
    ps text[] NOT NULL,
    themes text[] NOT NULL,
    force_ids text[] NOT NULL,
    proposed_by text CHECK (proposed_by ~ '^(partner|force)\.[a-z0-9-]+$'),
    words_id uuid,
    logged_by text NOT NULL,
    logged_at timestamptz NOT NULL,
    CONSTRAINT only_what_was_proposed_waits_or_is_declined CHECK (proposed_by IS NOT NULL OR state IN ('agreed', 'called_off'))
);
COMMENT ON COLUMN activities.held_on IS 'The day on which it was or will be.';
CREATE INDEX activities_newest ON activities (held_on DESC, activity_id DESC);
CREATE INDEX activities_proposed ON activities (held_on, activity_id) WHERE state = 'proposed';
CREATE INDEX activities_with_force ON activities USING gin (force_ids);

CREATE TABLE activity_organisations (
    activity_id uuid NOT NULL REFERENCES activities,
    organisation_id uuid NOT NULL REFERENCES organisations,
    PRIMARY KEY (activity_id, organisation_id)
);
CREATE INDEX activities_of_organisation ON activity_organisations (organisation_id, activity_id);

CREATE TABLE steps (
    step_id uuid PRIMARY KEY,
    activity_id uuid NOT NULL REFERENCES activities,
    words_id uuid NOT NULL,
    owner_account text,
    owner_organisation uuid REFERENCES organisations,
    owner_force text,
    joint boolean NOT NULL,
    due_on date NOT NULL,
    state text NOT NULL CHECK (state IN ('open', 'done', 'dropped')),
    ended_on date,
    begun_at timestamptz NOT NULL,
    CONSTRAINT a_step_has_one_owner CHECK (num_nonnulls(owner_account, owner_organisation, owner_force) = 1),
    CONSTRAINT what_is_open_has_not_ended CHECK ((state = 'open') = (ended_on IS NULL))
);
COMMENT ON TABLE steps IS 'What is to be done next, by whom and by when. Others may join a joint one.';
CREATE INDEX steps_of_activity ON steps (activity_id, due_on, step_id);
CREATE INDEX steps_of_account ON steps (owner_account, due_on, step_id) WHERE state = 'open';
CREATE INDEX steps_open ON steps (due_on, step_id) WHERE state = 'open';

CREATE TABLE step_members (
    step_id uuid NOT NULL REFERENCES steps,
    member text NOT NULL CHECK (member ~ '^(partner|force)\.[a-z0-9-]+$'),
    joined_by text NOT NULL,
    joined_at timestamptz NOT NULL,
    PRIMARY KEY (step_id, member)
);

CREATE TABLE calendars (
    token_hash bytea PRIMARY KEY CHECK (octet_length(token_hash) = 32),
    account text NOT NULL,
    made_at timestamptz NOT NULL,
    revoked_at timestamptz
);
COMMENT ON TABLE calendars IS 'Addresses of calendars. An address holds a secret, and this its hash: who reads the table can fetch none.';
CREATE UNIQUE INDEX calendars_of_account ON calendars (account) WHERE revoked_at IS NULL;
