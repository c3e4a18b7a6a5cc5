-- Where many clocks have run out, those of children in danger are looked at first.

CREATE INDEX handoffs_due_in_danger ON handoffs (next_action_at)
WHERE next_action_at IS NOT NULL AND priority = 'immediate_danger';
