-- Who may log in: callers, supervisors, administrators, and programs that act for them.
CREATE TABLE users (
    id            uuid PRIMARY KEY,
    login         text NOT NULL UNIQUE CHECK (login = lower(login) AND length(login) BETWEEN 1 AND 64),
    name          text NOT NULL CHECK (length(name) BETWEEN 1 AND 120),
    role          text NOT NULL CHECK (role IN ('agent', 'supervisor', 'admin')),
    password_hash text NOT NULL,
    -- Where the agent's voice leg rings: '+15551234567', 'sip:…' or 'client:…'.
    device        text,
    created_at    timestamptz NOT NULL,
    disabled_at   timestamptz
);

-- A session cookie or a program's bearer token; only the SHA-256 of the token is kept.
CREATE TABLE session (
    token_hash bytea PRIMARY KEY CHECK (length(token_hash) = 32),
    user_id    uuid NOT NULL REFERENCES users,
    kind       text NOT NULL CHECK (kind IN ('cookie', 'bearer')),
    label      text NOT NULL DEFAULT '',
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL
);
CREATE INDEX session_by_user ON session (user_id);

-- Who did what; append-only.
CREATE TABLE audit (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at          timestamptz NOT NULL,
    user_id     uuid REFERENCES users,
    action      text NOT NULL,
    object_kind text NOT NULL,
    object_id   text NOT NULL,
    detail      jsonb NOT NULL DEFAULT '{}'
);
CREATE INDEX audit_object ON audit (object_kind, object_id, id);

-- Answers to requests that carried an idempotency key, so that a repeated request gets the first answer.
CREATE TABLE idempotency (
    user_id      uuid NOT NULL REFERENCES users,
    key          text NOT NULL CHECK (length(key) BETWEEN 1 AND 128),
    request_hash bytea NOT NULL,
    status       smallint NOT NULL,
    response     jsonb NOT NULL,
    at           timestamptz NOT NULL,
    PRIMARY KEY (user_id, key)
);

-- Small facts of the installation, such as the clock a demonstration runs on.
CREATE TABLE setting (
    key   text PRIMARY KEY,
    value jsonb NOT NULL
);
