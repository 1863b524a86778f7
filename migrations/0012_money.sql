-- Money: the documents behind postings, who may post how much, what the database itself refuses, and the cash policy.

-- One currency: whatever is posted to an account is in the account's, and an allocation stays inside one account.
ALTER TABLE account ADD CONSTRAINT account_currency UNIQUE (id, currency);
ALTER TABLE invoice DROP CONSTRAINT invoice_account_id_fkey,
    ADD FOREIGN KEY (account_id, currency) REFERENCES account (id, currency);
ALTER TABLE instalment ADD CONSTRAINT instalment_of_account UNIQUE (id, account_id);
ALTER TABLE payment ADD CONSTRAINT payment_of_account UNIQUE (id, account_id);
ALTER TABLE payment DROP CONSTRAINT payment_account_id_fkey,
    ADD FOREIGN KEY (account_id, currency) REFERENCES account (id, currency);

-- Invoices: what the lines say, what is enclosed, and by which terms the instalments were made.
CREATE TABLE payment_terms (
    code text PRIMARY KEY CHECK (length(code) BETWEEN 1 AND 32),
    -- `ledger::terms::Terms`
    body jsonb NOT NULL
);
INSERT INTO payment_terms (code, body) VALUES
    ('NET0', '{"parts": [{"share_bp": 10000, "net_days": 0}]}'),
    ('NET10', '{"parts": [{"share_bp": 10000, "net_days": 10}]}'),
    ('NET15', '{"parts": [{"share_bp": 10000, "net_days": 15}]}'),
    ('NET30', '{"parts": [{"share_bp": 10000, "net_days": 30}]}'),
    ('NET45', '{"parts": [{"share_bp": 10000, "net_days": 45}]}'),
    ('NET60', '{"parts": [{"share_bp": 10000, "net_days": 60}]}'),
    ('NET90', '{"parts": [{"share_bp": 10000, "net_days": 90}]}'),
    ('EOM30', '{"parts": [{"share_bp": 10000, "net_days": 30, "end_of_month": true}]}'),
    ('2-10-NET30', '{"parts": [{"share_bp": 10000, "net_days": 30}], "discount": {"share_bp": 200, "days": 10}}'),
    ('HALVES', '{"parts": [{"share_bp": 5000, "net_days": 0}, {"share_bp": 5000, "net_days": 30}]}'),
    ('THIRDS', '{"parts": [{"share_bp": 3333, "net_days": 30}, {"share_bp": 3333, "net_days": 60}, {"share_bp": 3334, "net_days": 90}]}');

CREATE TABLE invoice_line (
    invoice_id     uuid NOT NULL REFERENCES invoice,
    nth            smallint NOT NULL CHECK (nth >= 1),
    description    text NOT NULL CHECK (length(description) BETWEEN 1 AND 500),
    -- thousandths of a unit
    quantity_milli bigint NOT NULL CHECK (quantity_milli > 0),
    -- for the line, before tax; negative for a rebate
    net_minor      bigint NOT NULL,
    -- basis points
    tax_rate_bp    integer NOT NULL DEFAULT 0 CHECK (tax_rate_bp BETWEEN 0 AND 10000),
    tax_minor      bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (invoice_id, nth)
);

-- What belongs to an invoice and is kept elsewhere: an order, a proof of delivery.
CREATE TABLE invoice_attachment (
    id         uuid PRIMARY KEY,
    invoice_id uuid NOT NULL REFERENCES invoice,
    name       text NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
    -- where it is: an address or the id of a document store
    reference  text NOT NULL CHECK (length(reference) BETWEEN 1 AND 1000),
    media_type text NOT NULL DEFAULT 'application/octet-stream',
    added_by   uuid REFERENCES users,
    added_at   timestamptz NOT NULL
);
CREATE INDEX invoice_attachment_invoice ON invoice_attachment (invoice_id);

-- A credit that is applied to items as a payment is: its posting is on the account, its allocations are on the items.
CREATE TABLE credit_note (
    id           uuid PRIMARY KEY,
    account_id   uuid NOT NULL,
    number       text NOT NULL CHECK (length(number) BETWEEN 1 AND 64),
    amount_minor bigint NOT NULL CHECK (amount_minor > 0),
    currency     char(3) NOT NULL,
    issued_on    date NOT NULL,
    reason       text NOT NULL CHECK (length(reason) BETWEEN 1 AND 500),
    dispute_id   uuid REFERENCES dispute,
    posted_by    uuid REFERENCES users,
    approved_by  uuid REFERENCES users CHECK (approved_by <> posted_by),
    -- whose limit it was posted under, minor units; null: no limit
    limit_minor  bigint,
    recorded_at  timestamptz NOT NULL,
    UNIQUE (account_id, number),
    UNIQUE (id, account_id),
    FOREIGN KEY (account_id, currency) REFERENCES account (id, currency)
);

-- A change of one item that is neither invoice, payment nor credit note.
CREATE TABLE adjustment (
    id            uuid PRIMARY KEY,
    account_id    uuid NOT NULL,
    instalment_id uuid NOT NULL,
    kind          text NOT NULL CHECK (kind IN ('write_off', 'small_balance', 'discount', 'bank_charge', 'short_pay',
                                                'interest', 'fee', 'waiver')),
    amount_minor  bigint NOT NULL CHECK (amount_minor > 0),
    currency      char(3) NOT NULL,
    posted_on     date NOT NULL,
    reason        text NOT NULL CHECK (length(reason) BETWEEN 1 AND 500),
    -- the payment that left it over
    payment_id    uuid REFERENCES payment,
    posted_by     uuid REFERENCES users,
    approved_by   uuid REFERENCES users CHECK (approved_by <> posted_by),
    limit_minor   bigint,
    recorded_at   timestamptz NOT NULL,
    FOREIGN KEY (account_id, currency) REFERENCES account (id, currency),
    FOREIGN KEY (instalment_id, account_id) REFERENCES instalment (id, account_id)
);
CREATE INDEX adjustment_account ON adjustment (account_id);

-- Money paid back: it uses up what is left of a payment or a credit note.
CREATE TABLE refund (
    id             uuid PRIMARY KEY,
    account_id     uuid NOT NULL,
    payment_id     uuid,
    credit_note_id uuid,
    amount_minor   bigint NOT NULL CHECK (amount_minor > 0),
    currency       char(3) NOT NULL,
    posted_on      date NOT NULL,
    reason         text NOT NULL CHECK (length(reason) BETWEEN 1 AND 500),
    posted_by      uuid REFERENCES users,
    approved_by    uuid REFERENCES users CHECK (approved_by <> posted_by),
    limit_minor    bigint,
    recorded_at    timestamptz NOT NULL,
    CHECK (num_nonnulls(payment_id, credit_note_id) = 1),
    FOREIGN KEY (account_id, currency) REFERENCES account (id, currency),
    FOREIGN KEY (payment_id, account_id) REFERENCES payment (id, account_id),
    FOREIGN KEY (credit_note_id, account_id) REFERENCES credit_note (id, account_id)
);
CREATE INDEX refund_account ON refund (account_id);

CREATE TRIGGER credit_note_append_only BEFORE UPDATE OR DELETE ON credit_note FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER adjustment_append_only BEFORE UPDATE OR DELETE ON adjustment FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER refund_append_only BEFORE UPDATE OR DELETE ON refund FOR EACH ROW EXECUTE FUNCTION refuse_change();

-- What became of a payment. Its amount never changes; its state does, and every change is kept.
ALTER TABLE payment
    ADD COLUMN state text NOT NULL DEFAULT 'received' CHECK (state IN ('received', 'cleared', 'returned', 'reversed')),
    ADD COLUMN recorded_by uuid REFERENCES users;
CREATE TABLE payment_event (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    payment_id uuid NOT NULL REFERENCES payment,
    state      text NOT NULL,
    reason     text NOT NULL DEFAULT '',
    on_day     date NOT NULL,
    user_id    uuid REFERENCES users,
    at         timestamptz NOT NULL
);
CREATE INDEX payment_event_payment ON payment_event (payment_id);
CREATE TRIGGER payment_event_append_only BEFORE UPDATE OR DELETE ON payment_event
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER payment_append_only BEFORE DELETE OR UPDATE OF account_id, amount_minor, currency, received_on ON payment
    FOR EACH ROW EXECUTE FUNCTION refuse_change();

-- Postings know their document, and which part of an item they are about.
ALTER TABLE posting
    DROP CONSTRAINT posting_kind_check,
    ADD CONSTRAINT posting_kind_check CHECK (kind IN ('invoice', 'payment', 'credit_note', 'adjustment', 'refund')),
    ADD COLUMN credit_note_id uuid,
    ADD COLUMN adjustment_id  uuid REFERENCES adjustment,
    ADD COLUMN refund_id      uuid REFERENCES refund,
    ADD COLUMN part           text NOT NULL DEFAULT 'principal' CHECK (part IN ('principal', 'interest', 'fee')),
    ADD COLUMN posted_by      uuid REFERENCES users,
    DROP CONSTRAINT posting_account_id_fkey,
    DROP CONSTRAINT posting_instalment_id_fkey,
    DROP CONSTRAINT posting_payment_id_fkey,
    ADD FOREIGN KEY (account_id, currency) REFERENCES account (id, currency),
    ADD FOREIGN KEY (instalment_id, account_id) REFERENCES instalment (id, account_id),
    ADD FOREIGN KEY (payment_id, account_id) REFERENCES payment (id, account_id),
    ADD FOREIGN KEY (credit_note_id, account_id) REFERENCES credit_note (id, account_id),
    ADD CHECK (kind <> 'adjustment' OR (adjustment_id IS NOT NULL AND instalment_id IS NOT NULL)),
    ADD CHECK (kind <> 'refund' OR (refund_id IS NOT NULL AND num_nonnulls(payment_id, credit_note_id) = 1)),
    ADD CHECK (num_nonnulls(instalment_id, payment_id, credit_note_id) <= 1);
CREATE INDEX posting_credit_note ON posting (credit_note_id) WHERE credit_note_id IS NOT NULL;
CREATE INDEX posting_adjustment ON posting (adjustment_id) WHERE adjustment_id IS NOT NULL;
CREATE INDEX posting_refund ON posting (refund_id) WHERE refund_id IS NOT NULL;

-- An allocation comes from a payment or from a credit note, and says how it came about. `imported`: another system
-- applied it, and ours only repeats that.
ALTER TABLE allocation
    DROP CONSTRAINT allocation_mode_check,
    ADD CONSTRAINT allocation_mode_check CHECK (mode IN ('specified', 'reference', 'exact', 'combination',
        'clear_account', 'clear_past_due', 'oldest_first', 'imported')),
    ALTER COLUMN payment_id DROP NOT NULL,
    ADD COLUMN credit_note_id uuid,
    ADD COLUMN part        text NOT NULL DEFAULT 'principal' CHECK (part IN ('principal', 'interest', 'fee')),
    ADD COLUMN explanation text NOT NULL DEFAULT '',
    ADD COLUMN applied_by  uuid REFERENCES users,
    DROP CONSTRAINT allocation_account_id_fkey,
    DROP CONSTRAINT allocation_payment_id_fkey,
    DROP CONSTRAINT allocation_instalment_id_fkey,
    ADD FOREIGN KEY (payment_id, account_id) REFERENCES payment (id, account_id),
    ADD FOREIGN KEY (credit_note_id, account_id) REFERENCES credit_note (id, account_id),
    ADD FOREIGN KEY (instalment_id, account_id) REFERENCES instalment (id, account_id),
    ADD CHECK (num_nonnulls(payment_id, credit_note_id) = 1),
    ADD CHECK ((amount_minor < 0) = (reverses IS NOT NULL));
CREATE INDEX allocation_credit_note ON allocation (credit_note_id) WHERE credit_note_id IS NOT NULL;

-- How cash is applied, by portfolio and kind of debtor; '*' is everybody who has no line of their own. A line for the
-- portfolio goes before one for the kind of debtor.
CREATE TABLE cash_policy (
    portfolio  text NOT NULL CHECK (length(portfolio) BETWEEN 1 AND 64),
    party_kind text NOT NULL CHECK (party_kind IN ('*', 'consumer', 'commercial')),
    -- a payment may not be applied to what the debtor disputes, whoever asks for it (15 USC 1692h for a consumer's debt)
    spare_disputed boolean NOT NULL,
    -- `allocation::Policy`
    body       jsonb NOT NULL DEFAULT '{}',
    PRIMARY KEY (portfolio, party_kind)
);
INSERT INTO cash_policy (portfolio, party_kind, spare_disputed) VALUES ('*', '*', false), ('*', 'consumer', true);
CREATE FUNCTION cash_policy_of(portfolio text, party_kind text) RETURNS cash_policy LANGUAGE sql STABLE AS $$
    SELECT p FROM cash_policy p WHERE p.portfolio IN ($1, '*') AND p.party_kind IN ($2, '*')
    ORDER BY p.portfolio = '*', p.party_kind = '*' LIMIT 1
$$;

-- What the database refuses, whoever writes. SQLSTATE LL001: the ledger does not allow it; the text may be shown.
--
-- Checked when the statement ends: allocations, all of a statement together. The account's row is locked, so that two
-- writers cannot each use up the same cent. Plans are made once, often before there are rows: indexes whatever they say.
CREATE FUNCTION allocation_holds() RETURNS trigger LANGUAGE plpgsql SET enable_seqscan = off AS $$
DECLARE wrong uuid;
BEGIN
    PERFORM 1 FROM account WHERE id IN (SELECT account_id FROM added) ORDER BY id FOR NO KEY UPDATE;

    SELECT a.payment_id INTO wrong FROM (SELECT DISTINCT payment_id FROM added WHERE payment_id IS NOT NULL) a
    CROSS JOIN LATERAL (SELECT sum(amount_minor) AS minor FROM allocation WHERE payment_id = a.payment_id) used
    WHERE used.minor < 0
       OR used.minor > -(SELECT coalesce(sum(amount_minor), 0) FROM posting WHERE payment_id = a.payment_id) LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'more than there is of payment % would be applied', wrong USING ERRCODE = 'LL001';
    END IF;

    SELECT a.credit_note_id INTO wrong FROM (SELECT DISTINCT credit_note_id FROM added WHERE credit_note_id IS NOT NULL) a
    CROSS JOIN LATERAL (SELECT sum(amount_minor) AS minor FROM allocation WHERE credit_note_id = a.credit_note_id) used
    WHERE used.minor < 0
       OR used.minor > -(SELECT coalesce(sum(amount_minor), 0) FROM posting WHERE credit_note_id = a.credit_note_id) LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'more than there is of credit note % would be applied', wrong USING ERRCODE = 'LL001';
    END IF;

    SELECT a.instalment_id INTO wrong FROM (SELECT DISTINCT instalment_id FROM added) a
    CROSS JOIN LATERAL (SELECT sum(amount_minor) AS minor FROM allocation WHERE instalment_id = a.instalment_id) paid
    WHERE paid.minor < 0
       OR paid.minor > greatest((SELECT sum(amount_minor) FROM posting WHERE instalment_id = a.instalment_id), 0) LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'more than is owed on instalment % would be applied', wrong USING ERRCODE = 'LL001';
    END IF;

    -- Hardly anything is disputed: those items first, and the policy only of theirs.
    SELECT c.instalment_id INTO wrong
    FROM (SELECT a.instalment_id, a.account_id, sum(t.amount_minor) AS minor
          FROM (SELECT DISTINCT instalment_id, account_id FROM added
                WHERE amount_minor > 0 AND payment_id IS NOT NULL AND mode <> 'imported') a
          JOIN dispute_item t ON t.instalment_id = a.instalment_id
          JOIN dispute d ON d.id = t.dispute_id AND d.status = 'open'
          GROUP BY a.instalment_id, a.account_id OFFSET 0) c
    JOIN account o ON o.id = c.account_id
    WHERE (cash_policy_of(o.portfolio, o.party_kind)).spare_disputed
      AND (SELECT sum(amount_minor) FROM allocation WHERE instalment_id = c.instalment_id)
          > (SELECT sum(amount_minor) FROM posting WHERE instalment_id = c.instalment_id) - c.minor LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'the policy forbids a payment of the disputed part of instalment %', wrong USING ERRCODE = 'LL001';
    END IF;

    SELECT a.instalment_id INTO wrong FROM added a JOIN allocation o ON o.id = a.reverses
    WHERE a.amount_minor <> -o.amount_minor OR a.instalment_id <> o.instalment_id OR a.part <> o.part
       OR o.reverses IS NOT NULL OR coalesce(a.payment_id, a.credit_note_id) <> coalesce(o.payment_id, o.credit_note_id);
    IF FOUND THEN
        RAISE EXCEPTION 'a reversal on instalment % does not mirror what it reverses', wrong USING ERRCODE = 'LL001';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER allocation_holds AFTER INSERT ON allocation REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION allocation_holds();

-- Checked when the transaction ends, and only of postings that lower what an allocation may rest on: an item's amount,
-- or what there is of a payment or credit note. A million invoices cost it nothing.
CREATE FUNCTION posting_holds() RETURNS trigger LANGUAGE plpgsql SET enable_seqscan = off AS $$
BEGIN
    PERFORM 1 FROM account WHERE id = NEW.account_id FOR NO KEY UPDATE;
    IF NEW.instalment_id IS NOT NULL
       AND (SELECT coalesce(sum(amount_minor), 0) FROM allocation WHERE instalment_id = NEW.instalment_id)
           > greatest((SELECT sum(amount_minor) FROM posting WHERE instalment_id = NEW.instalment_id), 0) THEN
        RAISE EXCEPTION 'less would be owed on instalment % than is applied to it', NEW.instalment_id USING ERRCODE = 'LL001';
    END IF;
    IF NEW.payment_id IS NOT NULL
       AND (SELECT coalesce(sum(amount_minor), 0) FROM allocation WHERE payment_id = NEW.payment_id)
           > -(SELECT sum(amount_minor) FROM posting WHERE payment_id = NEW.payment_id) THEN
        RAISE EXCEPTION 'less would be left of payment % than is applied of it', NEW.payment_id USING ERRCODE = 'LL001';
    END IF;
    IF NEW.credit_note_id IS NOT NULL
       AND (SELECT coalesce(sum(amount_minor), 0) FROM allocation WHERE credit_note_id = NEW.credit_note_id)
           > -(SELECT sum(amount_minor) FROM posting WHERE credit_note_id = NEW.credit_note_id) THEN
        RAISE EXCEPTION 'less would be left of credit note % than is applied of it', NEW.credit_note_id USING ERRCODE = 'LL001';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER posting_holds AFTER INSERT ON posting DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
    WHEN ((NEW.amount_minor < 0 AND NEW.instalment_id IS NOT NULL)
          OR (NEW.amount_minor > 0 AND (NEW.payment_id IS NOT NULL OR NEW.credit_note_id IS NOT NULL)))
    EXECUTE FUNCTION posting_holds();

CREATE FUNCTION posting_mirrors() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM 1 FROM posting o WHERE o.id = NEW.reverses AND o.reverses IS NULL AND o.amount_minor = -NEW.amount_minor
        AND o.account_id = NEW.account_id AND o.kind = NEW.kind AND o.part = NEW.part
        AND (o.instalment_id, o.payment_id, o.credit_note_id, o.adjustment_id, o.refund_id)
            IS NOT DISTINCT FROM (NEW.instalment_id, NEW.payment_id, NEW.credit_note_id, NEW.adjustment_id, NEW.refund_id);
    IF NOT FOUND THEN
        RAISE EXCEPTION 'a reversal does not mirror posting %', NEW.reverses USING ERRCODE = 'LL001';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER posting_mirrors BEFORE INSERT ON posting FOR EACH ROW WHEN (NEW.reverses IS NOT NULL)
    EXECUTE FUNCTION posting_mirrors();

-- Who may post how much by themselves, minor units of any currency that has no line of its own ('***'); a null amount
-- is without limit, no line is nothing. Above it somebody whose limit reaches must approve.
CREATE TABLE posting_limit (
    role       text NOT NULL,
    kind       text NOT NULL CHECK (kind IN ('credit_note', 'write_off', 'small_balance', 'discount', 'bank_charge',
                                             'short_pay', 'interest', 'fee', 'waiver', 'refund', 'reversal')),
    currency   char(3) NOT NULL DEFAULT '***',
    most_minor bigint CHECK (most_minor >= 0),
    PRIMARY KEY (role, kind, currency)
);
INSERT INTO posting_limit (role, kind, most_minor)
SELECT 'agent', kind, most FROM (VALUES ('small_balance', 500), ('discount', 5000), ('bank_charge', 5000),
                                        ('short_pay', 5000), ('waiver', 5000)) AS a (kind, most)
UNION ALL
SELECT 'supervisor', kind, most FROM (VALUES ('credit_note', 500000), ('write_off', 100000), ('small_balance', 10000),
    ('discount', 100000), ('bank_charge', 100000), ('short_pay', 100000), ('interest', 100000), ('fee', 100000),
    ('waiver', 100000), ('refund', 100000), ('reversal', 10000000)) AS s (kind, most)
UNION ALL
SELECT 'admin', kind, NULL FROM unnest(ARRAY['credit_note', 'write_off', 'small_balance', 'discount', 'bank_charge',
    'short_pay', 'interest', 'fee', 'waiver', 'refund', 'reversal']) AS kind;

-- Something above its author's limit, waiting for another person. Nothing is posted before.
CREATE TABLE approval (
    id           uuid PRIMARY KEY,
    account_id   uuid NOT NULL REFERENCES account,
    kind         text NOT NULL,
    amount_minor bigint NOT NULL CHECK (amount_minor > 0),
    currency     char(3) NOT NULL,
    -- `ledger::approval::Request`
    request      jsonb NOT NULL,
    state        text NOT NULL DEFAULT 'requested' CHECK (state IN ('requested', 'approved', 'refused')),
    requested_by uuid NOT NULL REFERENCES users,
    requested_at timestamptz NOT NULL,
    decided_by   uuid REFERENCES users CHECK (decided_by <> requested_by),
    decided_at   timestamptz,
    note         text NOT NULL DEFAULT '',
    CHECK ((state = 'requested') = (decided_by IS NULL) AND (decided_by IS NULL) = (decided_at IS NULL))
);
CREATE INDEX approval_open ON approval (requested_at) WHERE state = 'requested';
CREATE INDEX approval_account ON approval (account_id);

-- What a statement is held against: transfers of its days.
CREATE INDEX payment_transfer ON payment (received_on) WHERE method = 'transfer';

-- Applying cash: what is proposed for a batch is kept, and applied as it was shown or not at all.
ALTER TABLE payment
    -- what the payer says it is for: `[allocation::Remitted]`
    ADD COLUMN remitted jsonb NOT NULL DEFAULT '[]';
CREATE TABLE cash_run (
    id         uuid PRIMARY KEY,
    portfolio  text NOT NULL,
    state      text NOT NULL CHECK (state IN ('previewed', 'applied', 'discarded')),
    -- the day of which it is
    on_day     date NOT NULL,
    made_by    uuid REFERENCES users,
    made_at    timestamptz NOT NULL,
    decided_by uuid REFERENCES users,
    decided_at timestamptz
);
CREATE INDEX cash_run_made ON cash_run (portfolio, id DESC);
CREATE TABLE cash_run_line (
    run_id      uuid NOT NULL REFERENCES cash_run,
    nth         integer NOT NULL,
    account_id  uuid NOT NULL REFERENCES account,
    payment_id  uuid NOT NULL REFERENCES payment,
    -- what was left of the payment, minor units
    minor       bigint NOT NULL,
    -- `allocation::Proposal`
    proposal    jsonb NOT NULL,
    -- SHA-256 of what the account's proposals were made of
    fingerprint bytea NOT NULL CHECK (length(fingerprint) = 32),
    PRIMARY KEY (run_id, nth)
);

-- Bank statements, as the bank sent them.
CREATE TABLE bank_statement (
    id            uuid PRIMARY KEY,
    portfolio     text NOT NULL CHECK (length(portfolio) BETWEEN 1 AND 64),
    bank_account  text NOT NULL CHECK (length(bank_account) BETWEEN 1 AND 64),
    -- the bank's name for the statement, or the SHA-256 of the file where it has none
    reference     text NOT NULL,
    format        text NOT NULL,
    currency      char(3) NOT NULL,
    from_on       date,
    to_on         date,
    opening_minor bigint,
    closing_minor bigint,
    file_name     text NOT NULL,
    sha256        bytea NOT NULL CHECK (length(sha256) = 32),
    loaded_by     uuid REFERENCES users,
    loaded_at     timestamptz NOT NULL,
    UNIQUE (portfolio, bank_account, reference)
);

CREATE TABLE bank_line (
    id            uuid PRIMARY KEY,
    statement_id  uuid NOT NULL REFERENCES bank_statement,
    portfolio     text NOT NULL,
    bank_account  text NOT NULL,
    nth           integer NOT NULL,
    booked_on     date NOT NULL,
    value_on      date,
    -- minor units, positive where money came in
    minor         bigint NOT NULL CHECK (minor <> 0),
    currency      char(3) NOT NULL,
    payer_name    text,
    payer_account text,
    reference     text NOT NULL DEFAULT '',
    remitted      jsonb NOT NULL DEFAULT '[]',
    end_to_end    text,
    -- the bank's name for the entry; one entry may hold several transactions
    entry_ref     text NOT NULL,
    part          integer NOT NULL DEFAULT 0,
    code          text NOT NULL DEFAULT '',
    -- why the bank took a payment back, where it did
    returned      text,
    state         text NOT NULL CHECK (state IN ('open', 'posted', 'unidentified', 'passed', 'returned')),
    -- whose it is likely to be, and why
    account_id    uuid REFERENCES account,
    because       text NOT NULL DEFAULT '',
    -- the payment it became, or took back
    payment_id    uuid REFERENCES payment,
    note          text NOT NULL DEFAULT '',
    decided_by    uuid REFERENCES users,
    decided_at    timestamptz,
    UNIQUE (portfolio, bank_account, entry_ref, part)
);
CREATE INDEX bank_line_statement ON bank_line (statement_id, nth);
CREATE INDEX bank_line_waiting ON bank_line (portfolio, id) WHERE state IN ('open', 'unidentified');
CREATE INDEX bank_line_amount ON bank_line (portfolio, minor) WHERE state IN ('open', 'unidentified');
CREATE INDEX bank_line_payment ON bank_line (payment_id) WHERE payment_id IS NOT NULL;
CREATE INDEX bank_line_end_to_end ON bank_line (portfolio, end_to_end) WHERE end_to_end IS NOT NULL;

-- Whose bank account it is: learnt from what people decided.
CREATE TABLE payer_account (
    portfolio     text NOT NULL,
    payer_account text NOT NULL,
    account_id    uuid NOT NULL REFERENCES account,
    learnt_by     uuid REFERENCES users,
    learnt_at     timestamptz NOT NULL,
    PRIMARY KEY (portfolio, payer_account)
);

-- Differences between what came and what was expected, each worked to an end by somebody.
CREATE TABLE difference (
    id            uuid PRIMARY KEY,
    portfolio     text NOT NULL,
    kind          text NOT NULL CHECK (kind IN ('short_pay', 'overpay', 'duplicate', 'wrong_customer', 'unidentified', 'returned')),
    account_id    uuid REFERENCES account,
    payment_id    uuid REFERENCES payment,
    instalment_id uuid REFERENCES instalment,
    bank_line_id  uuid REFERENCES bank_line,
    amount_minor  bigint NOT NULL CHECK (amount_minor > 0),
    currency      char(3) NOT NULL,
    opened_at     timestamptz NOT NULL,
    -- what was done about it; null while it is open
    outcome       text CHECK (outcome IN ('collected', 'applied', 'written_off', 'credited', 'refunded', 'moved', 'disputed', 'explained')),
    note          text NOT NULL DEFAULT '',
    closed_by     uuid REFERENCES users,
    closed_at     timestamptz,
    CHECK ((outcome IS NULL) = (closed_at IS NULL))
);
CREATE INDEX difference_open ON difference (portfolio, id) WHERE closed_at IS NULL;
CREATE INDEX difference_account ON difference (account_id);
CREATE INDEX difference_payment ON difference (payment_id);
CREATE INDEX difference_line ON difference (bank_line_id);

-- What the general ledger says the receivables of a portfolio come to, and if it says so, of each account. The newest
-- word on a day counts.
CREATE TABLE control_total (
    id        uuid PRIMARY KEY,
    portfolio text NOT NULL,
    currency  char(3) NOT NULL,
    on_day    date NOT NULL,
    minor     bigint NOT NULL,
    -- account number to minor units; null: only the sum was given
    accounts  jsonb,
    given_by  uuid REFERENCES users,
    given_at  timestamptz NOT NULL
);
CREATE INDEX control_total_day ON control_total (portfolio, currency, on_day, given_at DESC);
CREATE TRIGGER control_total_append_only BEFORE UPDATE OR DELETE ON control_total
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE INDEX bank_line_account ON bank_line (account_id) WHERE state IN ('open', 'unidentified');
-- A bank's line names an invoice, not its account.
CREATE INDEX invoice_number ON invoice (number);
