-- The debtor side: accounts, the persons behind them, and how to reach them.
CREATE TABLE person (
    id         uuid PRIMARY KEY,
    name       text NOT NULL,
    created_at timestamptz NOT NULL
);

CREATE TABLE account (
    id           uuid PRIMARY KEY,
    -- The list the account was imported into; account numbers are unique inside it.
    portfolio    text NOT NULL CHECK (length(portfolio) BETWEEN 1 AND 64),
    number       text NOT NULL CHECK (length(number) BETWEEN 1 AND 64),
    name         text NOT NULL,
    party_kind   text NOT NULL CHECK (party_kind IN ('consumer', 'commercial')),
    currency     char(3) NOT NULL,
    country      char(2),
    region       text,
    city         text,
    postal_code  text,
    address_line text,
    -- Zone the debtor stated, if any (IANA).
    stated_zone  text,
    language     text,
    terms        text,
    -- Agent who owns the relation and is preferred when the account answers.
    owner_id     uuid REFERENCES users,
    status       text NOT NULL DEFAULT 'open' CHECK (status IN ('open', 'closed')),
    created_at   timestamptz NOT NULL,
    updated_at   timestamptz NOT NULL,
    UNIQUE (portfolio, number)
);
CREATE INDEX account_number ON account (number);
CREATE INDEX account_name ON account (lower(name) text_pattern_ops);

CREATE TABLE contact (
    id         uuid PRIMARY KEY,
    account_id uuid NOT NULL REFERENCES account,
    person_id  uuid NOT NULL REFERENCES person,
    -- payables clerk, approver, owner, guarantor, attorney …
    role       text NOT NULL DEFAULT 'payables',
    created_at timestamptz NOT NULL,
    UNIQUE (account_id, person_id)
);

CREATE TABLE contact_point (
    id             uuid PRIMARY KEY,
    contact_id     uuid NOT NULL REFERENCES contact,
    account_id     uuid NOT NULL REFERENCES account,
    kind           text NOT NULL CHECK (kind IN ('phone', 'email', 'postal')),
    -- E.164 for a phone.
    value          text NOT NULL,
    label          text NOT NULL DEFAULT 'work',
    country        char(2),
    -- Every IANA zone the point may be in: calling is allowed only when it is allowed in all of them.
    zones          text[] NOT NULL DEFAULT '{}',
    -- Order in which the account's points are tried, 0 first.
    position       smallint NOT NULL DEFAULT 0,
    invalid_reason text,
    invalid_at     timestamptz,
    created_at     timestamptz NOT NULL,
    UNIQUE (contact_id, kind, value)
);
CREATE INDEX contact_point_value ON contact_point (value) WHERE kind = 'phone';
CREATE INDEX contact_point_account ON contact_point (account_id);

-- Consent and its withdrawal, as it happened; the state of today is derived.
CREATE TABLE consent_event (
    id               bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    contact_point_id uuid NOT NULL REFERENCES contact_point,
    channel          text NOT NULL,
    purpose          text NOT NULL,
    action           text NOT NULL CHECK (action IN ('granted', 'revoked')),
    source           text NOT NULL,
    at               timestamptz NOT NULL,
    user_id          uuid REFERENCES users
);
CREATE INDEX consent_event_point ON consent_event (contact_point_id, id);

-- Wishes not to be called, by number, person or account.
CREATE TABLE do_not_call (
    id         uuid PRIMARY KEY,
    scope      text NOT NULL CHECK (scope IN ('number', 'person', 'account')),
    -- E.164, or the id of the person or account.
    value      text NOT NULL,
    reason     text NOT NULL,
    call_id    uuid,
    user_id    uuid REFERENCES users,
    at         timestamptz NOT NULL,
    revoked_at timestamptz
);
CREATE UNIQUE INDEX do_not_call_active ON do_not_call (scope, value) WHERE revoked_at IS NULL;

-- Reasons not to contact an account at all, for a time or for good.
CREATE TABLE account_hold (
    id          uuid PRIMARY KEY,
    account_id  uuid NOT NULL REFERENCES account,
    reason      text NOT NULL CHECK (reason IN ('cease', 'attorney', 'bankruptcy', 'deceased', 'escalated', 'hold')),
    note        text NOT NULL DEFAULT '',
    call_id     uuid,
    user_id     uuid REFERENCES users,
    from_at     timestamptz NOT NULL,
    until_at    timestamptz,
    released_at timestamptz
);
CREATE INDEX account_hold_active ON account_hold (account_id) WHERE released_at IS NULL;

CREATE TABLE note (
    id         uuid PRIMARY KEY,
    account_id uuid NOT NULL REFERENCES account,
    call_id    uuid,
    user_id    uuid REFERENCES users,
    body       text NOT NULL CHECK (length(body) BETWEEN 1 AND 4000),
    at         timestamptz NOT NULL
);
CREATE INDEX note_account ON note (account_id, at DESC);
