-- A referral that was taken for a child in danger alone, without an agreement in force: no rule ever accepts it.

ALTER TABLE assessments ADD COLUMN mou_lapsed boolean NOT NULL DEFAULT false;
