-- What becomes of a referral in the sandbox: its partner asks for it, and it is told as of a live one.
CREATE TABLE sandbox.lives (
    referral_id uuid PRIMARY KEY REFERENCES sandbox.referrals (referral_id),
    life jsonb NOT NULL CHECK (jsonb_typeof(life) = 'object')
);
COMMENT ON TABLE sandbox.lives IS 'What may happen next to each of the sandbox''s referrals. No live referral has one.';
