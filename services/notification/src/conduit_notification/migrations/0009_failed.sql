-- What the hub gave up on is found without a look at everything that was ever sent.
CREATE INDEX notices_failed ON notices (finished_at) WHERE state = 'failed';
