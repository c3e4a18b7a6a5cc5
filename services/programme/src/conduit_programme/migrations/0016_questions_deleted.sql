-- Ended practice questions are deleted after a set time. What is left of each is a row that counts and says of nobody.

ALTER TABLE practice_questions
    ADD COLUMN deleted_at timestamptz,
    ADD COLUMN had_force boolean,
    ADD CONSTRAINT only_what_ended_is_deleted CHECK (deleted_at IS NULL OR outcome IS NOT NULL),
    ADD CONSTRAINT what_is_deleted_says_of_nobody
        CHECK (deleted_at IS NULL OR (partner_id = '' AND asked_by = '' AND held_by IS NULL AND force_ids = '{}'));
COMMENT ON COLUMN practice_questions.deleted_at IS 'When its words, its messages and whose it was were deleted. What is left is counted.';
COMMENT ON COLUMN practice_questions.had_force IS 'Of a deleted one: whether a force was part of it. Before that, its forces say so.';
CREATE INDEX practice_questions_kept ON practice_questions (ended_at DESC, question_id DESC)
    WHERE outcome IS NOT NULL AND deleted_at IS NULL;
