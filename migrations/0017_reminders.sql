-- Reminders: ladders, the steps that accounts took on them, and where they are stopped.

CREATE TABLE ladder (
    id         uuid PRIMARY KEY,
    name       text NOT NULL UNIQUE CHECK (length(name) BETWEEN 1 AND 64),
    -- an account climbs the first active ladder whose segment has it
    position   smallint NOT NULL,
    active     boolean NOT NULL,
    -- `reminder::ladder::Ladder`
    body       jsonb NOT NULL,
    changed_by uuid REFERENCES users,
    changed_at timestamptz NOT NULL
);

CREATE TABLE reminder (
    id          uuid PRIMARY KEY,
    account_id  uuid NOT NULL REFERENCES account,
    ladder_id   uuid NOT NULL REFERENCES ladder,
    step        text NOT NULL,
    -- the item that has been due longest
    anchor_id   uuid NOT NULL REFERENCES instalment,
    decided_on  date NOT NULL,
    decided_at  timestamptz NOT NULL,
    total_minor bigint NOT NULL CHECK (total_minor > 0),
    -- steps whose time was over, and what was open and not asked for: why it is as it is
    passed      text[] NOT NULL,
    left_out    jsonb NOT NULL,
    -- proposed: a supervisor has to look at it first; dropped: not sent after all
    state       text NOT NULL CHECK (state IN ('proposed', 'done', 'dropped')),
    reason      text,
    message_id  uuid REFERENCES message,
    task_id     uuid REFERENCES task,
    decided_by  uuid REFERENCES users,
    -- it did not reach the debtor, and the step was taken again
    replaced    boolean NOT NULL DEFAULT false
);
-- Each step once.
CREATE UNIQUE INDEX reminder_once ON reminder (account_id, ladder_id, step, anchor_id)
    WHERE NOT replaced AND state <> 'dropped';
CREATE INDEX reminder_account ON reminder (account_id, decided_at DESC);
CREATE INDEX reminder_proposed ON reminder (decided_at) WHERE state = 'proposed';

CREATE TABLE reminder_item (
    reminder_id   uuid NOT NULL REFERENCES reminder,
    instalment_id uuid NOT NULL REFERENCES instalment,
    minor         bigint NOT NULL CHECK (minor > 0),
    PRIMARY KEY (reminder_id, instalment_id)
);

-- No reminders of an account, or of one of its invoices, until a day or until somebody says so.
CREATE TABLE reminder_stop (
    id         uuid PRIMARY KEY,
    account_id uuid NOT NULL REFERENCES account,
    -- null: the whole account
    invoice_id uuid REFERENCES invoice,
    reason     text NOT NULL CHECK (length(reason) BETWEEN 1 AND 200),
    -- the last day on which it is stopped; null: until it is lifted
    until_on   date,
    stopped_by uuid REFERENCES users,
    stopped_at timestamptz NOT NULL,
    lifted_by  uuid REFERENCES users,
    lifted_at  timestamptz
);
CREATE INDEX reminder_stop_account ON reminder_stop (account_id) WHERE lifted_at IS NULL;
