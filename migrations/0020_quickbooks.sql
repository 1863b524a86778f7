-- A company in QuickBooks Online that a portfolio is kept in step with.

CREATE TABLE quickbooks_connection (
    -- QuickBooks' name for the company
    realm           text PRIMARY KEY CHECK (length(realm) BETWEEN 1 AND 32),
    portfolio       text NOT NULL UNIQUE CHECK (length(portfolio) BETWEEN 1 AND 64),
    connected_by    uuid REFERENCES users,
    connected_at    timestamptz NOT NULL,
    -- what was recorded here before is not written there
    write_since     timestamptz NOT NULL,
    disconnected_at timestamptz,
    -- as `quickbooks::seal` closes them; none once it is disconnected
    access_token    bytea,
    access_until    timestamptz,
    refresh_token   bytea,
    refresh_until   timestamptz,
    -- since when the tokens are refused: somebody has to connect again
    broken_at       timestamptz,
    -- who works at it: one node at a time
    claimed_by      uuid,
    claimed_until   timestamptz,
    -- changes since then are asked for next; null: everything is read
    cursor_at       timestamptz,
    -- how far reading everything has come, `quickbooks::read::Progress`
    reading         jsonb,
    -- until when payments recorded here were looked through
    looked_at       timestamptz,
    next_at         timestamptz NOT NULL,
    failures        integer NOT NULL DEFAULT 0,
    synced_at       timestamptz,
    error           text,
    CHECK ((disconnected_at IS NULL) = (refresh_token IS NOT NULL))
);
CREATE UNIQUE INDEX quickbooks_connection_one ON quickbooks_connection ((true)) WHERE disconnected_at IS NULL;

-- Connections that somebody has begun, by the SHA-256 of the state that comes back once.
CREATE TABLE quickbooks_state (
    state_sha256 bytea PRIMARY KEY CHECK (length(state_sha256) = 32),
    user_id      uuid NOT NULL REFERENCES users,
    expires_at   timestamptz NOT NULL
);

-- What there is, as it was last read.
CREATE TABLE quickbooks_object (
    realm      text NOT NULL REFERENCES quickbooks_connection,
    kind       text NOT NULL CHECK (kind IN ('Customer', 'Invoice', 'Payment', 'CreditMemo')),
    id         text NOT NULL,
    sync_token bigint NOT NULL,
    -- whose; a customer's own id
    customer   text NOT NULL,
    -- its number there with our prefix, and the one it has in the ledger: the same unless two would share it
    called     text NOT NULL,
    number     text,
    on_day     date,
    deleted    boolean NOT NULL DEFAULT false,
    -- word for word
    body       text NOT NULL,
    read_at    timestamptz NOT NULL,
    -- from which day on it waits to be taken in; null: it has been
    pending_on date,
    -- why it could not be
    problem    text,
    PRIMARY KEY (realm, kind, id)
);
CREATE INDEX quickbooks_object_pending ON quickbooks_object (realm, pending_on) WHERE pending_on IS NOT NULL;
CREATE UNIQUE INDEX quickbooks_object_number ON quickbooks_object (realm, customer, number) WHERE number IS NOT NULL;

-- Which payments are linked to an invoice.
CREATE TABLE quickbooks_link (
    realm   text NOT NULL,
    payment text NOT NULL,
    invoice text NOT NULL,
    PRIMARY KEY (realm, payment, invoice)
);
CREATE INDEX quickbooks_link_invoice ON quickbooks_link (realm, invoice);

-- Payments recorded here, and what has become of each there.
CREATE TABLE quickbooks_write (
    id         uuid PRIMARY KEY,
    realm      text NOT NULL REFERENCES quickbooks_connection,
    account_id uuid NOT NULL REFERENCES account,
    payment_id uuid NOT NULL UNIQUE REFERENCES payment,
    state      text NOT NULL CHECK (state IN ('waiting', 'sent', 'same', 'conflict', 'aside')),
    -- `quickbooks::payment::Face`: as it is here, as it was last seen there
    wanted     jsonb NOT NULL,
    there      jsonb,
    -- `quickbooks::write::Sent`: what was asked and has not been answered
    sent       jsonb,
    -- how often something was asked that got an answer: part of the next request's id
    request    integer NOT NULL DEFAULT 0,
    -- its id there
    qbo_id     text,
    sync_token text,
    -- why it is a conflict
    reason     text NOT NULL DEFAULT '',
    created_at timestamptz NOT NULL,
    changed_at timestamptz NOT NULL,
    decided_by uuid REFERENCES users,
    decided_at timestamptz,
    note       text NOT NULL DEFAULT ''
);
CREATE INDEX quickbooks_write_due ON quickbooks_write (realm, id) WHERE state IN ('waiting', 'sent');
CREATE INDEX quickbooks_write_state ON quickbooks_write (realm, state, id DESC);
CREATE UNIQUE INDEX quickbooks_write_there ON quickbooks_write (realm, qbo_id) WHERE qbo_id IS NOT NULL;
