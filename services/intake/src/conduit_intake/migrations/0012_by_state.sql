-- A partner that asks for its referrals in one state reads those, and not all the others on the way to them.
CREATE INDEX standings_in_state ON standings (partner_id, state, referral_id);
CREATE INDEX standings_in_state ON sandbox.standings (partner_id, state, referral_id);
