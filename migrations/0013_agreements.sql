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

-- Promises: by how much they were kept, why they are not looked at any more, whose limit allowed them.
ALTER TABLE promise
    ADD COLUMN withdrawn_on   date,
    ADD COLUMN cancel_reason  text CHECK (cancel_reason IN
        ('replaced', 'withdrawn', 'dispute_upheld', 'credited', 'plan_ended', 'error')),
    -- how many promises for the same item were not kept before it, and one
    ADD COLUMN level          smallint NOT NULL DEFAULT 1 CHECK (level >= 1),
    -- paid in time, and credited since it was taken
    ADD COLUMN paid_minor     bigint NOT NULL DEFAULT 0 CHECK (paid_minor >= 0),
    ADD COLUMN credited_minor bigint NOT NULL DEFAULT 0 CHECK (credited_minor >= 0),
    ADD COLUMN kept_on        date,
    ADD COLUMN cleared_only   boolean NOT NULL DEFAULT false,
    -- the role whose limits it was taken under; null: taken elsewhere
    ADD COLUMN limit_role     text,
    ADD COLUMN approved_by    uuid REFERENCES users;
ALTER TABLE promise_transition ADD COLUMN reason text NOT NULL DEFAULT '', ADD COLUMN user_id uuid REFERENCES users;

-- A promise outside of the caller's limits that somebody allowed under limits of their own; used once.
CREATE TABLE promise_approval (
    id           uuid PRIMARY KEY,
    account_id   uuid NOT NULL REFERENCES account,
    -- at least so much, minor units, by this day at the latest
    least_minor  bigint NOT NULL CHECK (least_minor > 0),
    last_due_on  date NOT NULL,
    -- whose limits allow it
    limit_role   text NOT NULL,
    approved_by  uuid NOT NULL REFERENCES users,
    at           timestamptz NOT NULL,
    until_at     timestamptz NOT NULL,
    used_by      uuid UNIQUE REFERENCES promise
);
CREATE INDEX promise_approval_account ON promise_approval (account_id) WHERE used_by IS NULL;

-- Disputes: who has to answer by when, what the answer was, what is there to prove it, and everything that happened.
ALTER TABLE dispute
    ADD COLUMN due_on         date,
    ADD COLUMN answer         text NOT NULL DEFAULT '' CHECK (length(answer) <= 4000),
    -- what a department has found where somebody else has to agree to the credit: `dispute::Decision`
    ADD COLUMN proposal       jsonb,
    ADD COLUMN credit_note    text,
    ADD COLUMN credited_minor bigint NOT NULL DEFAULT 0 CHECK (credited_minor >= 0),
    ADD COLUMN closed_by      uuid REFERENCES users;
CREATE INDEX dispute_account ON dispute (account_id, opened_at DESC);
CREATE INDEX dispute_due ON dispute (due_on) WHERE status = 'open';
-- Which lines of the invoice it is about, by number; empty: the item as a whole.
ALTER TABLE dispute_item ADD COLUMN lines smallint[] NOT NULL DEFAULT '{}';

CREATE TABLE dispute_event (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    dispute_id uuid NOT NULL REFERENCES dispute,
    at         timestamptz NOT NULL,
    user_id    uuid REFERENCES users,
    what       text NOT NULL CHECK (what IN ('opened', 'evidence', 'proposed', 'decided')),
    body       text NOT NULL DEFAULT '',
    -- amounts and ids
    detail     jsonb NOT NULL DEFAULT '{}'
);
CREATE INDEX dispute_event_dispute ON dispute_event (dispute_id, id);
CREATE TRIGGER dispute_event_append_only BEFORE UPDATE OR DELETE ON dispute_event
    FOR EACH ROW EXECUTE FUNCTION refuse_change();

-- What proves or disproves it: a file, or where one is.
CREATE TABLE dispute_evidence (
    id         uuid PRIMARY KEY,
    dispute_id uuid NOT NULL REFERENCES dispute,
    name       text NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
    reference  text CHECK (length(reference) BETWEEN 1 AND 1000),
    media_type text,
    content    bytea CHECK (length(content) BETWEEN 1 AND 250000),
    added_by   uuid REFERENCES users,
    added_at   timestamptz NOT NULL,
    CHECK ((reference IS NULL) <> (content IS NULL)),
    CHECK ((media_type IS NULL) = (content IS NULL))
);
CREATE INDEX dispute_evidence_dispute ON dispute_evidence (dispute_id);
CREATE TRIGGER dispute_evidence_append_only BEFORE UPDATE OR DELETE ON dispute_evidence
    FOR EACH ROW EXECUTE FUNCTION refuse_change();

-- Instalment plans and settlements. Each instalment is a promise.
CREATE TABLE plan (
    id            uuid PRIMARY KEY,
    account_id    uuid NOT NULL REFERENCES account,
    call_id       uuid,
    currency      char(3) NOT NULL,
    -- what will be paid, and what is settled by that; more than that is a settlement
    total_minor   bigint NOT NULL CHECK (total_minor > 0),
    covers_minor  bigint NOT NULL CHECK (covers_minor >= total_minor),
    -- `plan::PlanTaken`, and `plan::schedule::Due` in order
    terms         jsonb NOT NULL,
    parts         jsonb NOT NULL,
    on_break      text NOT NULL CHECK (on_break IN ('hold_rest', 'full_balance')),
    postdated     boolean NOT NULL,
    status        text NOT NULL CHECK (status IN
        ('proposed', 'active', 'held', 'fulfilled', 'broken', 'refused', 'cancelled')),
    taken_by      uuid NOT NULL REFERENCES users,
    taken_at      timestamptz NOT NULL,
    -- the role whose limits it was agreed under
    limit_role    text,
    approved_by   uuid REFERENCES users CHECK (approved_by <> taken_by),
    -- instalments from before are not looked at any more
    resumed_at    timestamptz,
    -- the adjustments by which the rest of a settlement was written off
    written_off   uuid[] NOT NULL DEFAULT '{}',
    rest_done     boolean NOT NULL DEFAULT false,
    ended_at      timestamptz
);
CREATE INDEX plan_account ON plan (account_id, taken_at DESC);
CREATE UNIQUE INDEX plan_live ON plan (account_id) WHERE status IN ('proposed', 'active', 'held');
CREATE INDEX plan_rest ON plan (id) WHERE covers_minor > total_minor AND NOT rest_done;

CREATE TABLE plan_item (
    plan_id       uuid NOT NULL REFERENCES plan,
    instalment_id uuid NOT NULL REFERENCES instalment,
    PRIMARY KEY (plan_id, instalment_id)
);

CREATE TABLE plan_event (
    id      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    plan_id uuid NOT NULL REFERENCES plan,
    at      timestamptz NOT NULL,
    user_id uuid REFERENCES users,
    what    text NOT NULL,
    note    text NOT NULL DEFAULT ''
);
CREATE INDEX plan_event_plan ON plan_event (plan_id, id);
CREATE TRIGGER plan_event_append_only BEFORE UPDATE OR DELETE ON plan_event
    FOR EACH ROW EXECUTE FUNCTION refuse_change();

ALTER TABLE promise
    ADD COLUMN plan_id     uuid REFERENCES plan,
    ADD COLUMN plan_seq    smallint,
    -- when its instalment was announced, and the deposit of its postdated instrument
    ADD COLUMN reminded_at timestamptz,
    ADD COLUMN noticed_at  timestamptz;
CREATE INDEX promise_plan ON promise (plan_id, plan_seq) WHERE plan_id IS NOT NULL;

-- Accounts that are with somebody higher up. What a level does to contact is done by a hold.
CREATE TABLE escalation (
    id         uuid PRIMARY KEY,
    account_id uuid NOT NULL REFERENCES account,
    -- a code of the agreement rules
    level      text NOT NULL,
    contact    text NOT NULL CHECK (contact IN ('keeps', 'supervisor_only', 'stops')),
    -- what led to it: 'by_hand', or the kind of a trigger
    cause      text NOT NULL,
    reason     text NOT NULL CHECK (length(reason) BETWEEN 1 AND 1000),
    hold_id    uuid REFERENCES account_hold,
    by         uuid REFERENCES users,
    at         timestamptz NOT NULL,
    ended_at   timestamptz,
    ended_by   uuid REFERENCES users,
    -- 'raised', or why it went back down
    end_reason text,
    CHECK ((ended_at IS NULL) = (end_reason IS NULL))
);
CREATE UNIQUE INDEX escalation_active ON escalation (account_id) WHERE ended_at IS NULL;
CREATE INDEX escalation_account ON escalation (account_id, at DESC);
CREATE INDEX account_past_due ON account_standing (oldest_due_on) WHERE collectible_minor > 0;
CREATE INDEX account_broken ON account_standing (account_id) WHERE broken_promises > 0;

-- The account is not raised by `cause`: it is on one of the levels `reached`, went back down from it after `since`, is closed,
-- or is spared.
CREATE FUNCTION escalation_rests(account uuid, reached text[], cause text, since timestamptz) RETURNS boolean
LANGUAGE sql STABLE AS $$
    SELECT EXISTS (SELECT FROM escalation e
                   WHERE e.account_id = $1
                     AND ((e.ended_at IS NULL AND e.level = ANY ($2))
                          OR (e.ended_at > $4 AND e.end_reason <> 'raised' AND e.cause = $3)))
        OR EXISTS (SELECT FROM account_hold h
                   WHERE h.account_id = $1 AND h.released_at IS NULL AND h.reason IN ('vulnerable', 'hardship', 'deceased'))
        OR EXISTS (SELECT FROM account a WHERE a.id = $1 AND a.status <> 'open')
$$;
