-- One database and one role per service, for a PostgreSQL 15 to 18 that is administered by hand. May be repeated.
--   psql -v ON_ERROR_STOP=1 -v intake_password=... -v triage_password=... -v routing_password=... -v notification_password=... \
--        -v console_password=... -v programme_password=... \
--        -f databases.sql "$POSTGRES_DSN"
-- The passwords reach the server as text: use a connection of your own, and see that statements are not logged.

-- Lets an administrator who is no superuser give databases to the roles it makes: from release 16 on by this, before by joining them.
SELECT $$SET createrole_self_grant = 'set, inherit'$$ WHERE current_setting('server_version_num')::integer >= 160000
\gexec

SELECT format('CREATE ROLE conduit_%s LOGIN', service)
FROM unnest(ARRAY['intake', 'triage', 'routing', 'notification', 'console', 'programme']) AS service
WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'conduit_' || service)
\gexec

SELECT format('GRANT conduit_%s TO CURRENT_USER', service)
FROM unnest(ARRAY['intake', 'triage', 'routing', 'notification', 'console', 'programme']) AS service
WHERE NOT pg_has_role('conduit_' || service, 'MEMBER')
\gexec

ALTER ROLE conduit_intake PASSWORD :'intake_password';
ALTER ROLE conduit_triage PASSWORD :'triage_password';
ALTER ROLE conduit_routing PASSWORD :'routing_password';
ALTER ROLE conduit_notification PASSWORD :'notification_password';
ALTER ROLE conduit_console PASSWORD :'console_password';
ALTER ROLE conduit_programme PASSWORD :'programme_password';

SELECT format('CREATE DATABASE conduit_%1$s OWNER conduit_%1$s TEMPLATE template0', service)
FROM unnest(ARRAY['intake', 'triage', 'routing', 'notification', 'console', 'programme']) AS service
WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = 'conduit_' || service)
\gexec

-- Without this every role may connect to every database.
REVOKE ALL ON DATABASE conduit_intake, conduit_triage, conduit_routing, conduit_notification, conduit_console, conduit_programme FROM PUBLIC;
