-- Which forces took a case on by telephone alone, so that its partner is told.
ALTER TABLE referrals ADD COLUMN by_telephone jsonb NOT NULL DEFAULT '[]' CHECK (jsonb_typeof(by_telephone) = 'array');
ALTER TABLE sandbox_referrals ADD COLUMN by_telephone jsonb NOT NULL DEFAULT '[]' CHECK (jsonb_typeof(by_telephone) = 'array');
