-- Which of the officers' commands a line follows from, so that a page need not guess what came of it.
ALTER TABLE timeline ADD COLUMN command_id text CHECK (command_id <> '');
COMMENT ON COLUMN timeline.command_id IS 'The ce_id of the command. Null: none, or a service of the previous release said it.';
