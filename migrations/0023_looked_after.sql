-- What waits is looked after by somebody: differences as tasks; and what was asked for can be taken back by whoever asked.

-- Whether a difference was given to somebody.
CREATE INDEX task_of_difference ON task (source_id) WHERE source_kind = 'difference';

ALTER TABLE approval
    DROP CONSTRAINT approval_state_check,
    ADD CONSTRAINT approval_state_check CHECK (state IN ('requested', 'approved', 'refused', 'withdrawn')),
    DROP CONSTRAINT approval_check,
    -- another person decides; only whoever asked withdraws
    ADD CONSTRAINT approval_check CHECK ((decided_by = requested_by) = (state = 'withdrawn'));
