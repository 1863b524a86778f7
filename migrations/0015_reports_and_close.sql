-- Periods that are closed: what they hold no longer changes, and what it came to is kept.
CREATE TABLE period_close (
    id              uuid PRIMARY KEY,
    portfolio       text NOT NULL,
    kind            text NOT NULL CHECK (kind IN ('month', 'year')),
    first_day       date NOT NULL,
    -- nothing gets a business date up to this day while the close stands
    locked_through  date NOT NULL CHECK (locked_through >= first_day),
    -- the newest posting and allocation that the close knows: what lies in the period and came later, came of reopening
    last_posting    bigint NOT NULL,
    last_allocation bigint NOT NULL,
    -- what the service found before it closed, and which of it was accepted
    checklist       jsonb NOT NULL,
    note            text NOT NULL DEFAULT '',
    -- SHA-256 over the stored aging and the control totals
    content_hash    bytea NOT NULL CHECK (length(content_hash) = 32),
    closed_by       uuid REFERENCES users,
    closed_at       timestamptz NOT NULL,
    -- the close that was reopened and that this one follows
    follows         uuid REFERENCES period_close,
    reopened_by     uuid REFERENCES users,
    reopened_at     timestamptz,
    reopen_reason   text,
    CHECK ((reopened_at IS NULL) = (reopen_reason IS NULL))
);
CREATE UNIQUE INDEX period_close_standing ON period_close (portfolio, kind, first_day) WHERE reopened_at IS NULL;
CREATE INDEX period_close_lock ON period_close (portfolio, locked_through) WHERE reopened_at IS NULL;

-- A close waits for the postings that are under way, and they wait for it, so that what it counts is complete.
CREATE FUNCTION await_period_close() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock_shared(hashtext('period close'), 0);
    RETURN NULL;
END $$;

-- One look a statement, however many rows it brings.
CREATE FUNCTION refuse_closed_period() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    closed record;
BEGIN
    SELECT c.portfolio, c.locked_through, n.business_date INTO closed
    FROM (SELECT account_id, min(business_date) AS business_date FROM new_rows
          WHERE business_date <= (SELECT max(locked_through) FROM period_close WHERE reopened_at IS NULL)
          GROUP BY account_id) n
    JOIN account a ON a.id = n.account_id
    JOIN period_close c ON c.portfolio = a.portfolio AND c.reopened_at IS NULL AND c.locked_through >= n.business_date
    ORDER BY c.locked_through DESC LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION '% lies in a closed period: the books of portfolio % are closed through %',
            closed.business_date, closed.portfolio, closed.locked_through USING ERRCODE = 'LL001';
    END IF;
    RETURN NULL;
END $$;

CREATE TRIGGER posting_awaits_close BEFORE INSERT ON posting
    FOR EACH STATEMENT EXECUTE FUNCTION await_period_close();
CREATE TRIGGER posting_in_open_period AFTER INSERT ON posting
    REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION refuse_closed_period();
CREATE TRIGGER allocation_awaits_close BEFORE INSERT ON allocation
    FOR EACH STATEMENT EXECUTE FUNCTION await_period_close();
CREATE TRIGGER allocation_in_open_period AFTER INSERT ON allocation
    REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION refuse_closed_period();
