-- What partners are asked after a hand-over. Of a case nothing is here but its id, and what was said leads to none.

CREATE TABLE handovers (
    referral_id uuid PRIMARY KEY,
    partner_id text NOT NULL,
    handed_over_on date NOT NULL,
    known_at timestamptz NOT NULL
);
COMMENT ON TABLE handovers IS 'That a case of a partner was handed over. Only the first time counts.';
CREATE INDEX handovers_of_partner ON handovers (partner_id, handed_over_on DESC, referral_id);

CREATE TABLE handover_questions (
    question_id uuid PRIMARY KEY,
    referral_id uuid NOT NULL REFERENCES handovers,
    round text NOT NULL CHECK (round IN ('at_hand_over', 'after_30_days')),
    asked_on date NOT NULL,
    lapses_on date NOT NULL,
    heard_back text CHECK (heard_back IN ('yes', 'partly', 'no')),
    was_clear text CHECK (was_clear IN ('yes', 'partly', 'no')),
    answered_by text,
    answered_on date,
    UNIQUE (referral_id, round),
    CONSTRAINT they_lapse_after_they_were_asked CHECK (lapses_on > asked_on),
    CONSTRAINT they_are_answered_together_by_somebody
        CHECK (num_nonnulls(heard_back, was_clear, answered_by, answered_on) IN (0, 4))
);
COMMENT ON TABLE handover_questions IS 'Three questions, asked twice. The third is answered in words, which are an insight that no row here names.';
CREATE INDEX handover_questions_asked ON handover_questions (asked_on);
