-- An event lies here for a fraction of a second. Compressing it and putting it into a table of its own costs several times
-- what writing it costs (decision 19): up to this size a row stays whole.
ALTER TABLE outbox SET (toast_tuple_target = 8160);
