-- ANALYZE reads 300 rows for each point of this target, and autovacuum runs it whenever a young table has grown by a tenth. With
-- the default of 100 that took some 4 % of the machine in a burst (decision 19). Statements here find rows by their keys:
-- 3,000 rows tell enough to plan them. Who does not own the database may not say so, and need not.
DO $$
BEGIN
    IF (SELECT pg_has_role(datdba, 'USAGE') FROM pg_database WHERE datname = current_database()) THEN
        EXECUTE format('ALTER DATABASE %I SET default_statistics_target = 10', current_database());
    END IF;
END
$$;
