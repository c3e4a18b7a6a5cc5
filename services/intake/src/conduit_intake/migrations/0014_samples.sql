-- A list of what is in a state has an index of partner and state. A planner that knows no values chooses it for how many different
-- ones there are, and counts those in a sample of 3,000 rows (chassis_0005_samples): where the sample happens to hold one state
-- alone, the partner's other index looks as good, and is read from end to end for what is rare. There are eight states, and of
-- partners it is said that there are several.
ALTER TABLE standings ALTER COLUMN state SET (n_distinct = 8), ALTER COLUMN partner_id SET (n_distinct = 20);
ALTER TABLE sandbox.standings ALTER COLUMN state SET (n_distinct = 8), ALTER COLUMN partner_id SET (n_distinct = 20);
