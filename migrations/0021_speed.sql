-- What makes many rows at once cheaper: payments that are applied as they were shown without working all of it out once
-- more, and files that are taken in.

ALTER TABLE account_standing
    -- counts how often the figures were worked out: while it stays the same, nothing of the account has changed
    ADD COLUMN version bigint NOT NULL DEFAULT 1;

-- Those whose cash waits for its items.
CREATE INDEX account_unapplied ON account_standing (account_id) WHERE unapplied_minor > 0 AND open_minor > 0;

-- What the policies of a portfolio say at the moment.
CREATE FUNCTION cash_policies_of(portfolio text) RETURNS bytea LANGUAGE sql STABLE AS $$
    SELECT sha256(convert_to(coalesce(string_agg(concat_ws(' ', p.portfolio, p.party_kind, p.body), E'\n'
                                                 ORDER BY p.portfolio, p.party_kind), ''), 'UTF8'))
    FROM cash_policy p WHERE p.portfolio IN ($1, '*')
$$;

ALTER TABLE cash_run
    -- `cash_policies_of` its portfolio when it was made
    ADD COLUMN policies bytea NOT NULL CHECK (length(policies) = 32);
ALTER TABLE cash_run_line
    -- of the account's standing when the proposal was made; 0: there was none
    ADD COLUMN version bigint NOT NULL,
    DROP CONSTRAINT cash_run_line_account_id_fkey,
    DROP CONSTRAINT cash_run_line_payment_id_fkey,
    ADD FOREIGN KEY (payment_id, account_id) REFERENCES payment (id, account_id);

ALTER TABLE instalment
    -- a file has listed it: one that lists all that is open and not this one closes it
    ADD COLUMN listed boolean NOT NULL DEFAULT false;
