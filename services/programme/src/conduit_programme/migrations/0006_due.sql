-- What is due is read by key, whosever it is. A check is due by the day on which the conversation was held. Of who is forgotten
-- nothing is kept of how they were.

CREATE INDEX steps_of_hub ON steps (due_on, step_id) WHERE state = 'open' AND owner_account IS NOT NULL;
CREATE INDEX steps_of_others ON steps (due_on, step_id) WHERE state = 'open' AND owner_account IS NULL;
CREATE INDEX steps_of_organisation ON steps (owner_organisation, due_on, step_id) WHERE state = 'open';
CREATE INDEX steps_of_force ON steps (owner_force, due_on, step_id) WHERE state = 'open';
CREATE INDEX steps_to_join ON steps (due_on, step_id) WHERE state = 'open' AND joint;
CREATE INDEX payments_newest ON payments (since DESC, payment_id DESC);

DELETE FROM wellbeing_checks USING conversations, contributors
WHERE wellbeing_checks.conversation_id = conversations.conversation_id
    AND conversations.contributor_id = contributors.contributor_id AND forgotten_at IS NOT NULL;
UPDATE wellbeing_checks SET due_on = held_on + 2 FROM conversations
WHERE wellbeing_checks.conversation_id = conversations.conversation_id AND moment = 'after' AND held_on IS NOT NULL
    AND outcome IS NULL;
