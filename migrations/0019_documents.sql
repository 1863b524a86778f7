-- Invoices that we issue: numbers without gaps, and the file as it went out.

-- The next number is taken under the row's lock in the transaction that posts the invoice: no number is lost or given twice.
CREATE TABLE number_range (
    portfolio text PRIMARY KEY CHECK (length(portfolio) BETWEEN 1 AND 64),
    -- before the digits
    prefix    text NOT NULL DEFAULT '' CHECK (length(prefix) <= 20),
    -- digits at least, with zeros before
    width     smallint NOT NULL DEFAULT 6 CHECK (width BETWEEN 1 AND 12),
    next      bigint NOT NULL DEFAULT 1 CHECK (next >= 1)
);

CREATE TABLE issued_invoice (
    invoice_id uuid PRIMARY KEY REFERENCES invoice,
    account_id uuid NOT NULL REFERENCES account,
    portfolio  text NOT NULL,
    -- its place in the range
    nth        bigint NOT NULL,
    file       bytea NOT NULL,
    sha256     bytea NOT NULL CHECK (length(sha256) = 32),
    issued_by  uuid NOT NULL REFERENCES users,
    issued_at  timestamptz NOT NULL,
    UNIQUE (portfolio, nth)
);
CREATE INDEX issued_invoice_account ON issued_invoice (account_id);
CREATE TRIGGER issued_invoice_append_only BEFORE UPDATE OR DELETE ON issued_invoice
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
