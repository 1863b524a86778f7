-- Agents' presence and the outbox of effects.
CREATE TABLE agent (
    user_id     uuid PRIMARY KEY REFERENCES users,
    campaign_id uuid REFERENCES campaign,
    -- `agent::presence::State` by name; the rest of it in the columns below
    state       text NOT NULL CHECK (state IN ('offline','ready','reserved','on_call','wrap_up','paused')),
    since       timestamptz NOT NULL,
    reason      text,
    call_id     uuid REFERENCES call,
    wrap_until  timestamptz,
    -- asked for while busy: where to go when the call is done
    next_reason text,
    -- fencing number: raised by every log-in, so that an older socket can do nothing
    session     bigint NOT NULL DEFAULT 0,
    connected   boolean NOT NULL DEFAULT false,
    seen_at     timestamptz,
    -- the voice leg parked in the agent's own conference
    leg_sid     text,
    leg_state   text NOT NULL DEFAULT 'down' CHECK (leg_state IN ('down', 'calling', 'up')),
    leg_since   timestamptz,
    conference  text,
    -- raised by every change, so that what is told to Redis late cannot undo what was told before
    version     bigint NOT NULL DEFAULT 1
);
CREATE INDEX agent_wrap ON agent (wrap_until) WHERE state = 'wrap_up';
CREATE UNIQUE INDEX agent_call ON agent (call_id) WHERE call_id IS NOT NULL;

CREATE TABLE agent_log (
    id      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    -- no foreign keys: a line is written by whatever changes the agent's row, which has them
    user_id uuid NOT NULL,
    state   text NOT NULL,
    reason  text,
    call_id uuid,
    by_user uuid,
    at      timestamptz NOT NULL
);
CREATE INDEX agent_log_user ON agent_log (user_id, at);

-- Effects to carry out after commit, one row for each thing to do to each object; repeating one does no harm.
CREATE TABLE outbox (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    -- what is done, and to what: enqueued again while it waits or runs, the row only gets a higher version
    dedupe_key   text NOT NULL UNIQUE,
    -- who carries it out: what waits for the carrier must not keep the house waiting
    lane         text NOT NULL CHECK (lane IN ('house', 'carrier')),
    payload      jsonb NOT NULL,
    -- raised by every enqueuing; deleted only in the version that was carried out, so no later change is lost
    version      bigint NOT NULL DEFAULT 1,
    created_at   timestamptz NOT NULL,
    run_at       timestamptz NOT NULL,
    -- somebody is at it until then; after that it is anybody's again
    claimed_until timestamptz,
    attempts     integer NOT NULL DEFAULT 0,
    last_error   text,
    -- given up after the last try; kept for a person to look at
    failed_at    timestamptz
);
CREATE INDEX outbox_due ON outbox (lane, run_at) WHERE failed_at IS NULL;

-- Files taken in, and which of our objects each foreign row became.
CREATE TABLE import_batch (
    id          uuid PRIMARY KEY,
    portfolio   text NOT NULL,
    file_name   text NOT NULL,
    file_sha256 bytea NOT NULL,
    mapping     text NOT NULL,
    as_of       date NOT NULL,
    rows_read   bigint NOT NULL DEFAULT 0,
    rows_new    bigint NOT NULL DEFAULT 0,
    rows_changed bigint NOT NULL DEFAULT 0,
    rows_same   bigint NOT NULL DEFAULT 0,
    rows_rejected bigint NOT NULL DEFAULT 0,
    started_at  timestamptz NOT NULL,
    finished_at timestamptz
);

-- Accounts and instalments that a running import has met, and on which line: a second one in the same file is refused.
-- Emptied when the import ends.
CREATE UNLOGGED TABLE import_seen (
    batch_id uuid NOT NULL,
    account  text NOT NULL,
    -- empty for the account itself
    invoice  text NOT NULL,
    seq      smallint NOT NULL,
    line     bigint NOT NULL,
    PRIMARY KEY (batch_id, account, invoice, seq)
);
