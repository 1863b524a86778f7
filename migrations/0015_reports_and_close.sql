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
    follows         uuid UNIQUE REFERENCES period_close,
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

-- What a close found, account by account, and what all of it came to. Kept as it was.
CREATE TABLE period_aging (
    close_id        uuid NOT NULL REFERENCES period_close DEFERRABLE INITIALLY DEFERRED,
    account_id      uuid NOT NULL REFERENCES account,
    currency        char(3) NOT NULL,
    -- by due date, in the buckets of `period_total.ends`
    buckets         bigint[] NOT NULL,
    credit_minor    bigint NOT NULL,
    unapplied_minor bigint NOT NULL,
    balance_minor   bigint NOT NULL,
    PRIMARY KEY (close_id, account_id)
);
CREATE TABLE period_total (
    close_id         uuid NOT NULL REFERENCES period_close DEFERRABLE INITIALLY DEFERRED,
    currency         char(3) NOT NULL,
    ends             integer[] NOT NULL,
    accounts         bigint NOT NULL,
    buckets          bigint[] NOT NULL,
    credit_minor     bigint NOT NULL,
    unapplied_minor  bigint NOT NULL,
    -- the sum of all postings, which the aging is not made from
    control_minor    bigint NOT NULL,
    -- of the period itself, by kind
    invoiced_minor   bigint NOT NULL,
    paid_minor       bigint NOT NULL,
    credited_minor   bigint NOT NULL,
    adjusted_minor   bigint NOT NULL,
    postings         bigint NOT NULL,
    allocations      bigint NOT NULL,
    PRIMARY KEY (close_id, currency)
);
CREATE TRIGGER period_aging_append_only BEFORE UPDATE OR DELETE ON period_aging
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER period_total_append_only BEFORE UPDATE OR DELETE ON period_total
    FOR EACH ROW EXECUTE FUNCTION refuse_change();

-- Over everything that is kept of a close: a changed figure changes it.
CREATE FUNCTION period_hash(of_close uuid) RETURNS bytea LANGUAGE sql STABLE AS $$
    SELECT sha256(convert_to(
        coalesce((SELECT string_agg(encode(sha256(convert_to(concat_ws('|', account_id, currency, buckets, credit_minor,
                      unapplied_minor, balance_minor), 'UTF8')), 'hex'), '' ORDER BY account_id)
                  FROM period_aging WHERE close_id = of_close), '')
        || coalesce((SELECT string_agg(concat_ws('|', currency, ends, accounts, buckets, credit_minor, unapplied_minor,
                         control_minor, invoiced_minor, paid_minor, credited_minor, adjusted_minor, postings, allocations),
                         '' ORDER BY currency)
                     FROM period_total WHERE close_id = of_close), ''), 'UTF8'))
$$;

-- Only the reopening of a close is ever added to its row.
CREATE FUNCTION refuse_changed_close() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' OR OLD.reopened_at IS NOT NULL
       OR to_jsonb(OLD) - ARRAY['reopened_by', 'reopened_at', 'reopen_reason']
          <> to_jsonb(NEW) - ARRAY['reopened_by', 'reopened_at', 'reopen_reason'] THEN
        RAISE EXCEPTION 'a close stays as it was: reopen it';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER period_close_stays BEFORE UPDATE OR DELETE ON period_close
    FOR EACH ROW EXECUTE FUNCTION refuse_changed_close();

-- Reports sum up what agents did by team.
ALTER TABLE users ADD COLUMN team text CHECK (length(team) BETWEEN 1 AND 64);
CREATE INDEX promise_deadline ON promise (deadline_on);

-- Reports that are mailed to management by themselves.
CREATE TABLE report_schedule (
    id           uuid PRIMARY KEY,
    -- `report::catalogue::ReportKind` and `Params`; without a day: of the day before it is sent
    report       text NOT NULL,
    params       jsonb NOT NULL,
    format       text NOT NULL CHECK (format IN ('csv', 'xlsx')),
    every        text NOT NULL CHECK (every IN ('day', 'week', 'month')),
    -- at the office, 0 to 23
    hour         smallint NOT NULL CHECK (hour BETWEEN 0 AND 23),
    recipients   text[] NOT NULL CHECK (cardinality(recipients) BETWEEN 1 AND 20),
    created_by   uuid NOT NULL REFERENCES users,
    created_at   timestamptz NOT NULL,
    -- the day of the last one; the next is due on a later day
    last_sent_on date,
    -- not tried again before this moment, after a failure
    not_before   timestamptz,
    last_error   text,
    ended_at     timestamptz
);
CREATE INDEX report_schedule_live ON report_schedule (id) WHERE ended_at IS NULL;

-- The line of the activity report to which something belongs; plain SQL, so that the planner puts it in place.
CREATE FUNCTION activity_line(grouped_by text, login text, team text, campaign text, at timestamp) RETURNS text
LANGUAGE sql STABLE AS $$
    SELECT coalesce(CASE grouped_by WHEN 'agent' THEN login WHEN 'team' THEN team WHEN 'campaign' THEN campaign
                    ELSE to_char(at, 'HH24') END, '')
$$;
