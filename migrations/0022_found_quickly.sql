-- A customer is chosen by how its name begins; disputes that came with a file are given to their department; the queue asks
-- whether a reminder wants a call.
CREATE INDEX party_name ON party (lower(name) text_pattern_ops);
CREATE INDEX dispute_imported ON dispute (id) WHERE status = 'open' AND opened_by IS NULL AND due_on IS NULL;
CREATE INDEX task_reminder_call ON task (account_id) WHERE state = 'open' AND kind = 'call' AND source_kind = 'reminder';
