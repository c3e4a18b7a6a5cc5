-- What came first is said by a case's version and history. A clock that was set back must not make an acknowledgement, a withdrawal or
-- what a child's danger needs impossible to write down.
ALTER TABLE handoffs DROP CONSTRAINT due_after_dissemination, DROP CONSTRAINT acknowledged_has_a_first_time;
ALTER TABLE routing_reviews DROP CONSTRAINT routing_reviews_check;
