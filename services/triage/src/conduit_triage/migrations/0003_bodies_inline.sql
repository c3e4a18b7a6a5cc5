-- A referral of ordinary size stays in its row, as it came: compressing it and putting it elsewhere costs more than the
-- row itself (decision 19).
ALTER TABLE assessments SET (toast_tuple_target = 8160);
