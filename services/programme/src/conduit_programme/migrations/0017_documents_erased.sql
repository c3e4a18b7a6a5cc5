-- A document that should not have been attached is erased: its file is gone, and its line stays with who erased it and why.

ALTER TABLE agreement_documents
    ADD COLUMN erased_at timestamptz,
    ADD COLUMN erased_by text,
    ADD COLUMN erased_why text CHECK (erased_why IN ('wrong_agreement', 'wrong_file', 'too_much')),
    DROP CONSTRAINT what_is_refused_is_gone,
    ADD CONSTRAINT what_is_refused_or_erased_is_gone
        CHECK ((state = 'refused' OR erased_at IS NOT NULL) = (content_id IS NULL)),
    DROP CONSTRAINT only_what_waits_is_tried_again,
    ADD CONSTRAINT only_what_waits_and_is_there_is_tried_again
        CHECK ((state = 'waiting' AND erased_at IS NULL) = (next_attempt_at IS NOT NULL)),
    ADD CONSTRAINT what_is_erased_says_by_whom_and_why
        CHECK ((erased_at IS NULL) = (erased_by IS NULL) AND (erased_at IS NULL) = (erased_why IS NULL));
