-- An officer of the hub fetches a file through the console: a line of history of its own, written before the file is given out.
ALTER TABLE history DROP CONSTRAINT history_actor_check, DROP CONSTRAINT history_what_check;
ALTER TABLE history
    ADD CONSTRAINT history_actor_check CHECK (actor ~ '^(programme|scanner|routing|(partner|force|officer):.+)$'),
    ADD CONSTRAINT history_what_check CHECK (
        what IN ('registered', 'received', 'repeated', 'forwarded', 'rejected', 'dead_lettered')
        OR what IN ('attached', 'attachment_available', 'attachment_threat_found', 'attachment_validation_failed')
        OR what IN ('attachment_opened', 'attachment_closed', 'attachment_fetched', 'attachment_consulted'));

-- The sandbox's tables are as their twins. No officer ever sees it.
ALTER TABLE sandbox.history DROP CONSTRAINT history_actor_check, DROP CONSTRAINT history_what_check;
ALTER TABLE sandbox.history
    ADD CONSTRAINT history_actor_check CHECK (actor ~ '^(programme|scanner|routing|(partner|force|officer):.+)$'),
    ADD CONSTRAINT history_what_check CHECK (
        what IN ('registered', 'received', 'repeated', 'forwarded', 'rejected', 'dead_lettered')
        OR what IN ('attached', 'attachment_available', 'attachment_threat_found', 'attachment_validation_failed')
        OR what IN ('attachment_opened', 'attachment_closed', 'attachment_fetched', 'attachment_consulted'));
