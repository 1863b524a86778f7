-- What is agreed with a debtor beyond a call, and who in the house looks after it.

-- Other departments log in, too: they see their tasks, not the floor. `department` is a code of the agreement rules.
ALTER TABLE users DROP CONSTRAINT users_role_check;
ALTER TABLE users
    ADD CONSTRAINT users_role_check CHECK (role IN ('department', 'agent', 'supervisor', 'admin')),
    ADD COLUMN department text,
    ADD CONSTRAINT users_department CHECK ((role = 'department') = (department IS NOT NULL));

-- Something that somebody has to do by a day. It always has a department; a person may have taken it.
CREATE TABLE task (
    id          uuid PRIMARY KEY,
    account_id  uuid REFERENCES account,
    kind        text NOT NULL,
    subject     text NOT NULL CHECK (length(subject) BETWEEN 1 AND 200),
    department  text NOT NULL,
    user_id     uuid REFERENCES users,
    -- every department that has had it: they may go on reading and commenting
    seen_by     text[] NOT NULL,
    due_on      date NOT NULL,
    -- 1 urgent to 4 low
    priority    smallint NOT NULL CHECK (priority BETWEEN 1 AND 4),
    -- how often it was overdue and went to the next on the ladder
    moved_up    smallint NOT NULL DEFAULT 0,
    -- what it came of: 'promise', 'dispute' … and its id
    source_kind text,
    source_id   uuid,
    state       text NOT NULL CHECK (state IN ('open', 'done', 'cancelled')),
    opened_by   uuid REFERENCES users,
    opened_at   timestamptz NOT NULL,
    closed_by   uuid REFERENCES users,
    closed_at   timestamptz,
    CHECK ((source_kind IS NULL) = (source_id IS NULL)),
    CHECK ((state = 'open') = (closed_at IS NULL))
);
CREATE INDEX task_inbox ON task (department, priority, due_on, id) WHERE state = 'open';
CREATE INDEX task_user ON task (user_id) WHERE state = 'open' AND user_id IS NOT NULL;
CREATE INDEX task_due ON task (due_on) WHERE state = 'open';
CREATE INDEX task_account ON task (account_id);
-- One thing leads to one open task of a kind, however often it is told.
CREATE UNIQUE INDEX task_source ON task (source_kind, source_id, kind) WHERE state = 'open';

-- Everything that was done and said about a task.
CREATE TABLE task_event (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    task_id    uuid NOT NULL REFERENCES task,
    at         timestamptz NOT NULL,
    user_id    uuid REFERENCES users,
    what       text NOT NULL,
    body       text NOT NULL DEFAULT '' CHECK (length(body) <= 4000),
    -- where it went
    department text,
    to_user    uuid REFERENCES users
);
CREATE INDEX task_event_task ON task_event (task_id, id);
CREATE TRIGGER task_event_append_only BEFORE UPDATE OR DELETE ON task_event
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
