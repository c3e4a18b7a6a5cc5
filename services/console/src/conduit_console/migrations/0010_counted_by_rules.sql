-- What rules accepted says by which numbers, too.
COMMENT ON COLUMN cases.assessment IS 'As JSON: what triage counted when it last put the case to an officer, or accepted it by rules. Null where it did not say it, as before 0.2.';
