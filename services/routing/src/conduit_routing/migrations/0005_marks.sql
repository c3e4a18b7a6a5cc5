ALTER TABLE cases ADD COLUMN marks text NOT NULL DEFAULT '';
COMMENT ON COLUMN cases.marks IS 'What else is to be remembered of forces, such as "kent=kept_from"; "=kept_from" where a suspect''s force is not known.';
DROP INDEX cases_with_nobody;
CREATE INDEX cases_with_nobody ON cases (opened_at)
    WHERE interim_owner IS NULL AND state = 'open' AND position('=standards_told' IN marks) = 0;
