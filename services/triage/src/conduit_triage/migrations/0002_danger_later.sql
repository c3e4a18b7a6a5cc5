-- Danger that a partner tells of later puts a declined referral before a person again, however often it was looked at.

ALTER TABLE assessments DROP CONSTRAINT assessments_rounds_check;
ALTER TABLE assessments ADD CONSTRAINT rounds_count_reviews CHECK (rounds >= 0);
COMMENT ON COLUMN assessments.rounds IS 'Reviews opened so far: 2 after a reconsideration, more where danger was told of after a decline.';
COMMENT ON COLUMN assessments.danger_raised IS 'Whether a force was given the case for immediate danger before it was accepted.';
