-- What is owed: invoices, instalments, append-only postings and allocations; balances are derived.
CREATE TABLE invoice (
    id         uuid PRIMARY KEY,
    account_id uuid NOT NULL REFERENCES account,
    number     text NOT NULL CHECK (length(number) BETWEEN 1 AND 64),
    issued_on  date NOT NULL,
    currency   char(3) NOT NULL,
    po_number  text,
    terms      text,
    created_at timestamptz NOT NULL,
    UNIQUE (account_id, number)
);

CREATE TABLE instalment (
    id         uuid PRIMARY KEY,
    invoice_id uuid NOT NULL REFERENCES invoice,
    account_id uuid NOT NULL REFERENCES account,
    seq        smallint NOT NULL CHECK (seq >= 1),
    due_on     date NOT NULL,
    UNIQUE (invoice_id, seq)
);
CREATE INDEX instalment_account ON instalment (account_id, due_on);

CREATE TABLE payment (
    id          uuid PRIMARY KEY,
    account_id  uuid NOT NULL REFERENCES account,
    amount_minor bigint NOT NULL CHECK (amount_minor > 0),
    currency    char(3) NOT NULL,
    received_on date NOT NULL,
    method      text NOT NULL DEFAULT 'unknown',
    reference   text NOT NULL DEFAULT '',
    -- the instalment whose row in a file told of it: the next file may correct it
    imported_for uuid REFERENCES instalment,
    recorded_at timestamptz NOT NULL
);
CREATE INDEX payment_account ON payment (account_id, received_on);
CREATE INDEX payment_imported ON payment (imported_for) WHERE imported_for IS NOT NULL;

-- Every change of what is owed, in minor units, positive where the debtor owes more. Corrections are reversals.
CREATE TABLE posting (
    id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    account_id    uuid NOT NULL REFERENCES account,
    kind          text NOT NULL CHECK (kind IN ('invoice', 'payment', 'credit_note', 'adjustment')),
    instalment_id uuid REFERENCES instalment,
    payment_id    uuid REFERENCES payment,
    amount_minor  bigint NOT NULL CHECK (amount_minor <> 0),
    currency      char(3) NOT NULL,
    business_date date NOT NULL,
    recorded_at   timestamptz NOT NULL,
    reverses      bigint UNIQUE REFERENCES posting,
    reason        text NOT NULL DEFAULT ''
);
CREATE INDEX posting_account ON posting (account_id);
CREATE INDEX posting_payment ON posting (payment_id) WHERE payment_id IS NOT NULL;
CREATE INDEX posting_instalment ON posting (instalment_id) WHERE instalment_id IS NOT NULL;

-- Which payment paid which instalment; a reversal is a negative row.
CREATE TABLE allocation (
    id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    account_id    uuid NOT NULL REFERENCES account,
    payment_id    uuid NOT NULL REFERENCES payment,
    instalment_id uuid NOT NULL REFERENCES instalment,
    amount_minor  bigint NOT NULL CHECK (amount_minor <> 0),
    mode          text NOT NULL CHECK (mode IN ('specified', 'reference', 'exact', 'oldest_first')),
    business_date date NOT NULL,
    recorded_at   timestamptz NOT NULL,
    reverses      bigint UNIQUE REFERENCES allocation
);
CREATE INDEX allocation_instalment ON allocation (instalment_id);
CREATE INDEX allocation_payment ON allocation (payment_id);
CREATE INDEX allocation_account ON allocation (account_id);

CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only: correct it by a reversal', TG_TABLE_NAME;
END $$;
CREATE TRIGGER posting_append_only BEFORE UPDATE OR DELETE ON posting FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER allocation_append_only BEFORE UPDATE OR DELETE ON allocation FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER audit_append_only BEFORE UPDATE OR DELETE ON audit FOR EACH ROW EXECUTE FUNCTION refuse_change();

CREATE TABLE promise (
    id           uuid PRIMARY KEY,
    account_id   uuid NOT NULL REFERENCES account,
    call_id      uuid,
    amount_minor bigint NOT NULL CHECK (amount_minor > 0),
    currency     char(3) NOT NULL,
    due_on       date NOT NULL,
    -- the last day on which a payment keeps it: `due_on` rolled to a business day, and the grace
    deadline_on  date NOT NULL,
    -- how much may be missing of a promise that is kept all the same
    tolerance_minor bigint NOT NULL DEFAULT 0 CHECK (tolerance_minor >= 0),
    status       text NOT NULL CHECK (status IN ('open', 'kept', 'partially_kept', 'broken', 'cancelled')),
    -- replaced by another, or taken back: not looked at again
    withdrawn    boolean NOT NULL DEFAULT false,
    taken_by     uuid REFERENCES users,
    taken_at     timestamptz NOT NULL,
    settled_at   timestamptz
);
CREATE INDEX promise_account ON promise (account_id, taken_at DESC);
CREATE INDEX promise_call ON promise (call_id) WHERE call_id IS NOT NULL;
CREATE INDEX promise_open ON promise (due_on) WHERE status = 'open';

CREATE TABLE promise_item (
    promise_id    uuid NOT NULL REFERENCES promise,
    instalment_id uuid NOT NULL REFERENCES instalment,
    PRIMARY KEY (promise_id, instalment_id)
);

-- What became of a promise, and what became of that when a payment was taken back.
CREATE TABLE promise_transition (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    promise_id uuid NOT NULL REFERENCES promise,
    before     text NOT NULL,
    after      text NOT NULL,
    at         timestamptz NOT NULL
);
CREATE INDEX promise_transition_promise ON promise_transition (promise_id);
CREATE TRIGGER promise_transition_append_only BEFORE UPDATE OR DELETE ON promise_transition
    FOR EACH ROW EXECUTE FUNCTION refuse_change();

CREATE TABLE dispute (
    id         uuid PRIMARY KEY,
    account_id uuid NOT NULL REFERENCES account,
    call_id    uuid,
    reason     text NOT NULL,
    department text NOT NULL DEFAULT 'billing',
    status     text NOT NULL CHECK (status IN ('open', 'valid', 'invalid', 'partial', 'withdrawn')),
    note       text NOT NULL DEFAULT '',
    opened_by  uuid REFERENCES users,
    opened_at  timestamptz NOT NULL,
    closed_at  timestamptz
);
CREATE INDEX dispute_open ON dispute (account_id) WHERE status = 'open';

-- The disputed part of each open item.
CREATE TABLE dispute_item (
    dispute_id    uuid NOT NULL REFERENCES dispute,
    instalment_id uuid NOT NULL REFERENCES instalment,
    amount_minor  bigint NOT NULL CHECK (amount_minor > 0),
    PRIMARY KEY (dispute_id, instalment_id)
);
CREATE INDEX dispute_item_instalment ON dispute_item (instalment_id);

-- An instalment with what is left to pay and how much of that is disputed.
CREATE VIEW open_item AS
SELECT i.id AS instalment_id, i.account_id, i.invoice_id, v.number AS invoice_number, i.seq, v.issued_on, i.due_on,
       v.currency, v.po_number,
       p.amount_minor,
       p.amount_minor - coalesce(a.amount_minor, 0) AS open_minor,
       least(coalesce(d.amount_minor, 0), p.amount_minor - coalesce(a.amount_minor, 0)) AS disputed_minor
FROM instalment i
JOIN invoice v ON v.id = i.invoice_id
CROSS JOIN LATERAL (SELECT coalesce(sum(amount_minor), 0)::bigint AS amount_minor FROM posting WHERE instalment_id = i.id) p
LEFT JOIN LATERAL (SELECT sum(amount_minor)::bigint AS amount_minor FROM allocation WHERE instalment_id = i.id) a ON true
LEFT JOIN LATERAL (SELECT sum(di.amount_minor)::bigint AS amount_minor FROM dispute_item di
                   JOIN dispute dd ON dd.id = di.dispute_id AND dd.status = 'open' WHERE di.instalment_id = i.id) d ON true
WHERE p.amount_minor - coalesce(a.amount_minor, 0) > 0;

-- The account's figures, refreshed in the transaction of whatever changed them, so that a queue of a million
-- accounts is rebuilt by one scan. `ledger::store::refresh_standing` is the only writer.
CREATE TABLE account_standing (
    account_id        uuid PRIMARY KEY REFERENCES account,
    open_items        integer NOT NULL,
    open_minor        bigint NOT NULL,
    unapplied_minor   bigint NOT NULL,
    disputed_minor    bigint NOT NULL,
    -- balance less disputed: what a caller may ask for
    collectible_minor bigint NOT NULL,
    -- earliest due date among items with an undisputed part
    oldest_due_on     date,
    open_promise_on   date,
    broken_promises   integer NOT NULL,
    kept_promises     integer NOT NULL,
    -- the newest promise was broken and nothing has replaced it
    promise_broken    boolean NOT NULL,
    refreshed_at      timestamptz NOT NULL
);
