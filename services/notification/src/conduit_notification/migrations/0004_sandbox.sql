-- Where each of the sandbox's referrals stands for its partner. No history: nothing of it happened.
CREATE TABLE sandbox_referrals (LIKE referrals INCLUDING ALL);
COMMENT ON TABLE sandbox_referrals IS 'Referrals that partners try in the sandbox. They are no cases and enter no figures.';
