-- A planner that knows no values chooses an index for how many different ones a column has, and counts those in a sample of 3,000 rows
-- (chassis_0005_samples): where the sample happens to hold one account or one kind alone, it reads all acts in order of time, from
-- end to end for what is rare. There are four kinds, and of people it is said that there are several.
ALTER TABLE acts ALTER COLUMN kind SET (n_distinct = 4), ALTER COLUMN account SET (n_distinct = 20);
