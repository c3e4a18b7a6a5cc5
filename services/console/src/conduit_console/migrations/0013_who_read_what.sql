-- An agreement covers what its officer could read, and nothing that came later.
ALTER TABLE second_opinions ADD COLUMN seen_version integer CHECK (seen_version >= 0);
COMMENT ON COLUMN second_opinions.seen_version IS 'How many lines the case had when whoever answered last looked at it; 0: they never had. Null: not answered, or an earlier release took the answer.';

-- The first page of supervisors has who broke the glass, however much else is looked at; and news are looked for once a second.
CREATE INDEX acts_of_glass_newest ON acts (at DESC, act_id DESC) WHERE what = 'broke_glass';

-- An earlier release left restricted cases with officers to whom they are shut, who could not give them back.
WITH shut AS (
    DELETE FROM claims USING cases
    WHERE cases.referral_id = claims.referral_id AND kept_from IS NOT NULL AND NOT EXISTS (
        SELECT FROM officers_named AS named
        WHERE named.referral_id = claims.referral_id AND named.officer_id = claims.officer_id
            AND named.officer_id <> named.named_by
    )
    RETURNING claims.referral_id
)
UPDATE questions SET claimed_by = NULL FROM shut WHERE questions.referral_id = shut.referral_id;
