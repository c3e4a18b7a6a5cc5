-- A page of what was added to a case is read by its place, and not by reading all of it.
CREATE INDEX supplements_in_order ON supplements (referral_id, id);
