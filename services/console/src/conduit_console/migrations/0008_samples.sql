-- What is narrowed by two columns has an index of both. A planner that knows no values chooses it for how many different ones
-- each column has, and counts those in a sample of 3,000 rows (chassis_0005_samples): where the sample happens to hold one value
-- alone, an index of the other column looks as good, and is read from end to end for what is rare. So the numbers are said here
-- for what has a closed list of codes. For people and parties they say no more than that there are several.
ALTER TABLE cases ALTER COLUMN state SET (n_distinct = 8), ALTER COLUMN partner_id SET (n_distinct = 20);
ALTER TABLE handoffs ALTER COLUMN case_state SET (n_distinct = 8), ALTER COLUMN force_id SET (n_distinct = 48);
ALTER TABLE acts ALTER COLUMN kind SET (n_distinct = 4), ALTER COLUMN officer_id SET (n_distinct = 20);
