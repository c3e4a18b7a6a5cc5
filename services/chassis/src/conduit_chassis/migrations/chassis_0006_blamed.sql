-- Whose doing a dead letter is: no one sender's may stop the service, also not after it has started again.
ALTER TABLE dead_letters ADD COLUMN blamed text;
COMMENT ON COLUMN dead_letters.blamed IS 'Partner, force or topic of many writers whose record it is or comes from; null where it is unknown.';
