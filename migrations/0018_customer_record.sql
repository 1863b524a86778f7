-- The customer behind the accounts: parents, what invoices need, credit limits, credit holds and credit reviews.

-- A customer; accounts of one customer, and of the customers below it, are a family.
CREATE TABLE party (
    id         uuid PRIMARY KEY,
    name       text NOT NULL CHECK (length(name) BETWEEN 1 AND 120),
    parent_id  uuid REFERENCES party CHECK (parent_id <> id),
    -- for the whole family, in `currency`; null: none
    limit_minor bigint CHECK (limit_minor >= 0),
    currency   char(3),
    created_at timestamptz NOT NULL,
    CHECK ((limit_minor IS NULL) = (currency IS NULL))
);
CREATE INDEX party_parent ON party (parent_id) WHERE parent_id IS NOT NULL;

ALTER TABLE account
    ADD COLUMN party_id uuid REFERENCES party,
    ADD COLUMN tax_id text NOT NULL DEFAULT '',
    -- its invoices have to name an order
    ADD COLUMN po_required boolean NOT NULL DEFAULT false,
    -- in the account's currency; null: none
    ADD COLUMN credit_limit_minor bigint CHECK (credit_limit_minor >= 0);
CREATE INDEX account_party ON account (party_id) WHERE party_id IS NOT NULL;

-- By portfolio; the row with the empty name is for all others. `credit::Rules`.
CREATE TABLE credit_rules (
    portfolio  text PRIMARY KEY,
    body       jsonb NOT NULL,
    changed_by uuid REFERENCES users,
    changed_at timestamptz NOT NULL
);

-- No more deliveries on credit. Contact goes on: that is what `account_hold` stops.
CREATE TABLE credit_hold (
    id             uuid PRIMARY KEY,
    account_id     uuid NOT NULL REFERENCES account,
    reason         text NOT NULL CHECK (reason IN ('over_limit', 'overdue', 'by_hand')),
    -- the figures it was placed on
    facts          jsonb NOT NULL,
    placed_by      uuid REFERENCES users,
    placed_at      timestamptz NOT NULL,
    released_by    uuid REFERENCES users,
    released_at    timestamptz,
    -- the rule does not place it again before the day after
    released_until date,
    note           text
);
CREATE UNIQUE INDEX credit_hold_standing ON credit_hold (account_id, reason) WHERE released_at IS NULL;
CREATE INDEX credit_hold_account ON credit_hold (account_id, placed_at DESC);

CREATE TABLE credit_review (
    id         uuid PRIMARY KEY,
    account_id uuid NOT NULL REFERENCES account,
    at         timestamptz NOT NULL,
    -- 0 to 100; null: too little history
    score      smallint CHECK (score BETWEEN 0 AND 100),
    -- `credit::score::Score`
    parts      jsonb NOT NULL,
    previous   smallint,
    flagged    boolean NOT NULL,
    -- a credit limit by rule, minor units
    proposal_minor bigint,
    user_id    uuid REFERENCES users
);
CREATE INDEX credit_review_account ON credit_review (account_id, at DESC);
CREATE TRIGGER credit_review_append_only BEFORE UPDATE OR DELETE ON credit_review
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
