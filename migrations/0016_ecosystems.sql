-- Other systems: who is told of what happens here, and which ledgers elsewhere we keep in step with.

-- Addresses that are told.
CREATE TABLE webhook_endpoint (
    id            uuid PRIMARY KEY,
    url           text NOT NULL CHECK (length(url) BETWEEN 1 AND 2000),
    description   text NOT NULL DEFAULT '' CHECK (length(description) <= 200),
    -- `outgoing::Kind` by name
    kinds         text[] NOT NULL CHECK (cardinality(kinds) BETWEEN 1 AND 5),
    created_by    uuid REFERENCES users,
    created_at    timestamptz NOT NULL,
    -- since when nothing has been taken there; null: the last one was
    failing_since timestamptz,
    -- not told any more until somebody enables it again, and why
    disabled_at   timestamptz,
    disabled_why  text,
    ended_at      timestamptz
);

-- What deliveries are signed with. While secrets are rotated there are two, and both sign.
CREATE TABLE webhook_secret (
    id          uuid PRIMARY KEY,
    endpoint_id uuid NOT NULL REFERENCES webhook_endpoint,
    secret      bytea NOT NULL CHECK (length(secret) BETWEEN 24 AND 64),
    created_at  timestamptz NOT NULL,
    expires_at  timestamptz
);
CREATE INDEX webhook_secret_endpoint ON webhook_secret (endpoint_id);

-- What happened, word for word as it is sent; only while somebody listens.
CREATE TABLE webhook_event (
    id         uuid PRIMARY KEY,
    kind       text NOT NULL,
    account_id uuid REFERENCES account,
    body       text NOT NULL,
    created_at timestamptz NOT NULL
);

CREATE TABLE webhook_delivery (
    id           uuid PRIMARY KEY,
    event_id     uuid NOT NULL REFERENCES webhook_event,
    endpoint_id  uuid NOT NULL REFERENCES webhook_endpoint,
    state        text NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'delivered', 'failed')),
    -- tries since it was last begun
    attempts     integer NOT NULL DEFAULT 0,
    next_at      timestamptz,
    created_at   timestamptz NOT NULL,
    delivered_at timestamptz
);
CREATE INDEX webhook_delivery_endpoint ON webhook_delivery (endpoint_id, id DESC);

-- Each try, and what the address answered.
CREATE TABLE webhook_attempt (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    delivery_id  uuid NOT NULL REFERENCES webhook_delivery,
    at           timestamptz NOT NULL,
    -- HTTP status; null: there was no answer
    status       smallint,
    -- why there was none
    error        text,
    milliseconds integer NOT NULL
);
CREATE INDEX webhook_attempt_delivery ON webhook_attempt (delivery_id, id);
