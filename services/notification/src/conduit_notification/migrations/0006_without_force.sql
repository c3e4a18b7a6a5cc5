-- What a partner must be told with every update until it is over: no force has the case.
ALTER TABLE referrals ADD COLUMN without_force boolean NOT NULL DEFAULT false;
ALTER TABLE sandbox_referrals ADD COLUMN without_force boolean NOT NULL DEFAULT false;
