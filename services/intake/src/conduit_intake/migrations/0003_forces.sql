-- Forces fetch the attachments of cases that they lead: which one may, routing says.

ALTER TABLE clients RENAME COLUMN partner_id TO owner_id;
ALTER TABLE clients DROP CONSTRAINT clients_scope_check;
ALTER TABLE clients
    ADD CONSTRAINT clients_scope_check CHECK (scope IN ('referrals', 'sandbox', 'cases')),
    ADD CONSTRAINT forces_clients_are_named_so CHECK ((scope = 'cases') = (client_id LIKE '%.force'));
COMMENT ON COLUMN clients.owner_id IS 'A partner; with the scope cases, a force. The two have names of their own: a force may be called as a partner is.';

ALTER TABLE attachments ADD COLUMN opened_to text,
    ADD CONSTRAINT only_available_ones_are_open CHECK (opened_to IS NULL OR state = 'available');
ALTER TABLE sandbox.attachments ADD COLUMN opened_to text,
    ADD CONSTRAINT only_available_ones_are_open CHECK (opened_to IS NULL OR state = 'available');
COMMENT ON COLUMN attachments.opened_to IS 'The one force that may fetch it. Always null in the sandbox, which no force ever sees.';

ALTER TABLE history DROP CONSTRAINT history_actor_check, DROP CONSTRAINT history_what_check;
ALTER TABLE history
    ADD COLUMN force_id text,
    ADD CONSTRAINT history_actor_check CHECK (actor ~ '^(programme|scanner|routing|(partner|force):.+)$'),
    ADD CONSTRAINT history_what_check CHECK (
        what IN ('registered', 'received', 'repeated', 'forwarded', 'rejected', 'dead_lettered')
        OR what IN ('attached', 'attachment_available', 'attachment_threat_found', 'attachment_validation_failed')
        OR what IN ('attachment_opened', 'attachment_closed', 'attachment_fetched')),
    ADD CONSTRAINT forces_are_named CHECK (
        (force_id IS NOT NULL) = (what IN ('attachment_opened', 'attachment_closed', 'attachment_fetched')));
ALTER TABLE sandbox.history DROP CONSTRAINT history_actor_check, DROP CONSTRAINT history_what_check;
ALTER TABLE sandbox.history
    ADD COLUMN force_id text,
    ADD CONSTRAINT history_actor_check CHECK (actor ~ '^(programme|scanner|routing|(partner|force):.+)$'),
    ADD CONSTRAINT history_what_check CHECK (
        what IN ('registered', 'received', 'repeated', 'forwarded', 'rejected', 'dead_lettered')
        OR what IN ('attached', 'attachment_available', 'attachment_threat_found', 'attachment_validation_failed')
        OR what IN ('attachment_opened', 'attachment_closed', 'attachment_fetched')),
    ADD CONSTRAINT forces_are_named CHECK (
        (force_id IS NOT NULL) = (what IN ('attachment_opened', 'attachment_closed', 'attachment_fetched')));
