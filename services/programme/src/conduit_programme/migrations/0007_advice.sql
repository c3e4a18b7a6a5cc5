-- National advice: what it rests on, which forces read it, and what each makes of it.

CREATE TABLE advice_notes (
    note_id uuid PRIMARY KEY,
    words_id uuid NOT NULL,
    four_p text NOT NULL CHECK (four_p IN ('prepare', 'protect', 'prevent', 'pursue')),
    confirm_by date NOT NULL,
    replaces uuid REFERENCES advice_notes,
    state text NOT NULL CHECK (state IN ('draft', 'published', 'withdrawn', 'replaced')),
    written_by text NOT NULL,
    written_at timestamptz NOT NULL,
    published_by text,
    published_at timestamptz,
    ended_at timestamptz,
    replaced_by uuid REFERENCES advice_notes,
    why_id uuid,
    CONSTRAINT what_is_no_draft_was_published_by_somebody
        CHECK ((state = 'draft') = (published_at IS NULL) AND (published_by IS NULL) = (published_at IS NULL)),
    CONSTRAINT what_holds_has_not_ended CHECK ((state IN ('withdrawn', 'replaced')) = (ended_at IS NOT NULL)),
    CONSTRAINT what_was_replaced_names_its_successor CHECK ((state = 'replaced') = (replaced_by IS NOT NULL)),
    CONSTRAINT only_what_was_withdrawn_says_why CHECK (state = 'withdrawn' OR why_id IS NULL),
    CONSTRAINT nothing_replaces_itself CHECK (replaces <> note_id)
);
COMMENT ON TABLE advice_notes IS 'Notes of national advice. It names no case and nobody.';
COMMENT ON COLUMN advice_notes.confirm_by IS 'By when each force is asked to confirm that it has read it.';
CREATE INDEX advice_notes_newest ON advice_notes (coalesce(published_at, written_at) DESC, note_id DESC);

CREATE TABLE advice_insights (
    note_id uuid NOT NULL REFERENCES advice_notes,
    insight_id uuid NOT NULL REFERENCES insights,
    PRIMARY KEY (note_id, insight_id)
);
COMMENT ON TABLE advice_insights IS 'What a note rests on.';
CREATE INDEX advice_of_insight ON advice_insights (insight_id);

CREATE TABLE advice_quotes (
    note_id uuid NOT NULL REFERENCES advice_notes,
    quote_id uuid NOT NULL REFERENCES quotes,
    PRIMARY KEY (note_id, quote_id)
);
COMMENT ON TABLE advice_quotes IS 'Ids of quotes, never words: whether they may be shown is asked at each read.';

CREATE TABLE advice_readings (
    note_id uuid NOT NULL REFERENCES advice_notes,
    force_id text NOT NULL,
    confirmed_by text NOT NULL,
    confirmed_at timestamptz NOT NULL,
    PRIMARY KEY (note_id, force_id)
);
COMMENT ON TABLE advice_readings IS 'That somebody of a force confirmed that it has read a note.';

CREATE TABLE advice_answers (
    note_id uuid NOT NULL,
    force_id text NOT NULL,
    number smallint NOT NULL CHECK (number > 0),
    outcome text NOT NULL CHECK (outcome IN ('adopted', 'will_adopt', 'not_adopted')),
    adopt_by date,
    why text CHECK (why IN ('done_already', 'no_means', 'does_not_apply', 'conflicts', 'other')),
    words_id uuid,
    answered_by text NOT NULL,
    answered_at timestamptz NOT NULL,
    PRIMARY KEY (note_id, force_id, number),
    CONSTRAINT who_answers_has_read_it FOREIGN KEY (note_id, force_id) REFERENCES advice_readings,
    CONSTRAINT what_will_be_adopted_has_a_day CHECK ((outcome = 'will_adopt') = (adopt_by IS NOT NULL)),
    CONSTRAINT what_is_not_adopted_says_why CHECK ((outcome = 'not_adopted') = (why IS NOT NULL))
);
COMMENT ON TABLE advice_answers IS 'What a force makes of a note. The last one holds; earlier ones stay to be counted.';
