-- Campaigns, the state of an account in a campaign, calls and everything the carrier said about them.
CREATE TABLE campaign (
    id         uuid PRIMARY KEY,
    name       text NOT NULL UNIQUE CHECK (length(name) BETWEEN 1 AND 80),
    state      text NOT NULL CHECK (state IN ('paused', 'running', 'draining')),
    mode       text NOT NULL CHECK (mode IN ('preview', 'progressive', 'ratio', 'predictive')),
    -- lines per ready agent, in thousandths: 1000 is one line an agent
    ratio_milli integer NOT NULL CHECK (ratio_milli BETWEEN 1000 AND 5000),
    -- everything else, as `campaign::Settings` (list rule, hours, weights, limits, retry, script, messages, policy)
    settings   jsonb NOT NULL,
    version    bigint NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL
);

-- What calling has led to so far for one account in one campaign; no row until the first attempt.
CREATE TABLE campaign_account (
    campaign_id     uuid NOT NULL REFERENCES campaign,
    account_id      uuid NOT NULL REFERENCES account,
    attempts        integer NOT NULL DEFAULT 0,
    last_attempt_at timestamptz,
    last_outcome    text,
    -- not before this moment (retry delay), and why
    not_before      timestamptz,
    not_before_why  text,
    -- taken out of this campaign for good, and why
    removed_why     text,
    PRIMARY KEY (campaign_id, account_id)
);

CREATE TABLE callback (
    id               uuid PRIMARY KEY,
    account_id       uuid NOT NULL REFERENCES account,
    campaign_id      uuid REFERENCES campaign,
    contact_point_id uuid REFERENCES contact_point,
    -- the agent it was promised by; null: anyone
    agent_id         uuid REFERENCES users,
    due_at           timestamptz NOT NULL,
    status           text NOT NULL CHECK (status IN ('open', 'done', 'cancelled')),
    call_id          uuid,
    note             text NOT NULL DEFAULT '',
    created_at       timestamptz NOT NULL
);
CREATE INDEX callback_open ON callback (account_id, due_at) WHERE status = 'open';

-- The verdict of the last look before a dial, permitted or refused; immutable.
CREATE TABLE dial_decision (
    id               uuid PRIMARY KEY,
    campaign_id      uuid NOT NULL REFERENCES campaign,
    account_id       uuid NOT NULL REFERENCES account,
    contact_point_id uuid REFERENCES contact_point,
    at               timestamptz NOT NULL,
    permitted        boolean NOT NULL,
    -- refusal: the rule that forbids it
    rule             text,
    next_allowed_at  timestamptz,
    facts            jsonb NOT NULL,
    policy           text NOT NULL
);
CREATE INDEX dial_decision_account ON dial_decision (account_id, at DESC);

CREATE TABLE call (
    id               uuid PRIMARY KEY,
    campaign_id      uuid REFERENCES campaign,
    account_id       uuid REFERENCES account,
    person_id        uuid REFERENCES person,
    contact_point_id uuid REFERENCES contact_point,
    direction        text NOT NULL CHECK (direction IN ('outbound', 'inbound')),
    to_number        text NOT NULL,
    from_number      text NOT NULL,
    -- the carrier's id of the customer leg, adopted from the create answer or the first signed callback
    sid              text UNIQUE,
    -- secret part of every callback address of this call
    callback_token   text NOT NULL,
    -- `call::Facts`: what has been learnt about the call; state and outcome are derived from it
    facts            jsonb NOT NULL,
    state            text NOT NULL CHECK (state IN ('planned','dialing','ringing','answered','held','bridged','wrapping','done')),
    outcome          text CHECK (outcome IN ('busy','no_answer','failed','canceled','machine','abandoned','completed')),
    -- not done: the line is, or may be, up, or the disposition is outstanding; at most one per account, person, number
    live             boolean NOT NULL,
    agent_id         uuid REFERENCES users,
    conference       text,
    decision_id      uuid REFERENCES dial_decision,
    -- the queue entry that was claimed: lease token, lane, score and its components
    lease            uuid,
    queue_entry      jsonb,
    -- the screen-pop, prepared while it rings
    pop              jsonb,
    pop_sent_at      timestamptz,
    pop_acked_at     timestamptz,
    created_at       timestamptz NOT NULL,
    ringing_at       timestamptz,
    answered_at      timestamptz,
    bridged_at       timestamptz,
    ended_at         timestamptz,
    -- the last time anything was heard about it
    heard_at         timestamptz NOT NULL,
    version          bigint NOT NULL DEFAULT 1
-- Every word of the carrier writes the row anew. With room on the page, and no index over what changes with every word
-- (state, facts, heard_at), that touches one page and not a dozen indexes.
) WITH (fillfactor = 60);
-- Outside the row: it is written once, and would be written anew with every word.
ALTER TABLE call ALTER COLUMN pop SET STORAGE EXTERNAL;
CREATE UNIQUE INDEX call_live_account ON call (account_id) WHERE live AND direction = 'outbound';
CREATE UNIQUE INDEX call_live_person ON call (person_id) WHERE live AND direction = 'outbound';
CREATE UNIQUE INDEX call_live_number ON call (to_number) WHERE live AND direction = 'outbound';
-- the board, the sweeper, and who waits for an agent: few at any time
CREATE INDEX call_live ON call (campaign_id) WHERE live;
CREATE INDEX call_account ON call (account_id, created_at DESC);
CREATE INDEX call_person ON call (person_id, created_at DESC);
CREATE INDEX call_number ON call (to_number, created_at DESC);
CREATE INDEX call_campaign ON call (campaign_id, created_at DESC);
-- the board of the floor
CREATE INDEX call_created ON call (created_at);

-- Raw events, each stored once with what was made of it. Calls are never deleted, and an event is written by the
-- statement that writes its call: a foreign key would look again, for every word of the carrier.
CREATE TABLE call_event (
    -- the order in which they were stored
    id          bigint GENERATED ALWAYS AS IDENTITY,
    call_id     uuid,
    source      text NOT NULL,
    dedupe_key  text PRIMARY KEY,
    body        text NOT NULL,
    received_at timestamptz NOT NULL,
    -- what the state machine made of it
    verdict     text NOT NULL
);
CREATE INDEX call_event_call ON call_event (call_id, id);

-- The open items spoken about in a call.
CREATE TABLE call_item (
    call_id       uuid NOT NULL REFERENCES call,
    instalment_id uuid NOT NULL REFERENCES instalment,
    PRIMARY KEY (call_id, instalment_id)
);

-- Other legs of a call: supervisors who listen, whisper or barge.
CREATE TABLE call_leg (
    id       uuid PRIMARY KEY,
    call_id  uuid NOT NULL REFERENCES call,
    user_id  uuid NOT NULL REFERENCES users,
    role     text NOT NULL CHECK (role IN ('listen', 'whisper', 'barge')),
    sid      text,
    began_at timestamptz NOT NULL,
    ended_at timestamptz
);
CREATE INDEX call_leg_call ON call_leg (call_id);

CREATE TABLE recording (
    sid        text PRIMARY KEY,
    call_id    uuid REFERENCES call,
    status     text NOT NULL,
    url        text NOT NULL DEFAULT '',
    duration_s integer,
    channels   smallint,
    started_at timestamptz,
    updated_at timestamptz NOT NULL
);

-- Catalogue of dispositions: data, not code. `consequence` is `disposition::Consequence`.
CREATE TABLE disposition (
    set_name    text NOT NULL,
    code        text NOT NULL,
    label       text NOT NULL,
    category    text NOT NULL CHECK (category IN ('no_contact', 'wrong_party', 'third_party', 'right_party')),
    required    text[] NOT NULL DEFAULT '{}',
    consequence jsonb NOT NULL,
    hotkey      text,
    -- recorded by the service for outcomes that no agent sees
    automatic   boolean NOT NULL DEFAULT false,
    position    smallint NOT NULL,
    PRIMARY KEY (set_name, code)
);

CREATE TABLE call_disposition (
    call_id  uuid PRIMARY KEY REFERENCES call,
    set_name text NOT NULL,
    code     text NOT NULL,
    category text NOT NULL,
    user_id  uuid REFERENCES users,
    note_id  uuid REFERENCES note,
    at       timestamptz NOT NULL,
    FOREIGN KEY (set_name, code) REFERENCES disposition
);
CREATE INDEX call_disposition_at ON call_disposition (at);
