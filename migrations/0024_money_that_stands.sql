-- What the ledger lets stand, and what it does not.

-- As before, but with `age_credits` each credit note has the age of its own date, and what was paid back of one is taken
-- off that one.
CREATE OR REPLACE FUNCTION aging_parts(day date, known_at timestamptz, by_due boolean, ends integer[], age_credits boolean,
                            of_portfolio text, only_of uuid[])
RETURNS TABLE (account_id uuid, part integer, minor bigint)
LANGUAGE sql STABLE AS $$
    SELECT c.account_id, c.part, sum(c.minor)::bigint
    FROM (
        SELECT n.account_id,
               CASE WHEN b.minor > coalesce(p.minor, 0) OR age_credits
                    THEN width_bucket(day - CASE WHEN by_due THEN n.due_on ELSE v.issued_on END - 1, ends)
                    ELSE -1 END AS part,
               b.minor - coalesce(p.minor, 0) AS minor
        FROM (SELECT instalment_id, sum(amount_minor)::bigint AS minor FROM posting
              WHERE instalment_id IS NOT NULL AND business_date <= day AND recorded_at <= known_at
                AND (only_of IS NULL OR account_id = ANY (only_of))
              GROUP BY instalment_id) b
        JOIN instalment n ON n.id = b.instalment_id
        LEFT JOIN invoice v ON v.id = n.invoice_id
        LEFT JOIN (SELECT instalment_id, sum(amount_minor)::bigint AS minor FROM allocation
                   WHERE business_date <= day AND recorded_at <= known_at
                     AND (only_of IS NULL OR account_id = ANY (only_of))
                   GROUP BY instalment_id) p ON p.instalment_id = b.instalment_id
        WHERE b.minor <> coalesce(p.minor, 0)
        UNION ALL
        -- cash and credits before they are applied, and what is applied of them
        SELECT account_id, CASE WHEN kind = 'credit_note' OR (kind = 'refund' AND payment_id IS NULL) THEN -1 ELSE -2 END,
               amount_minor
        FROM posting
        WHERE NOT age_credits AND instalment_id IS NULL AND business_date <= day AND recorded_at <= known_at
          AND (only_of IS NULL OR account_id = ANY (only_of))
        UNION ALL
        SELECT account_id, CASE WHEN payment_id IS NULL THEN -1 ELSE -2 END, amount_minor FROM allocation
        WHERE NOT age_credits AND business_date <= day AND recorded_at <= known_at
          AND (only_of IS NULL OR account_id = ANY (only_of))
        UNION ALL
        SELECT s.account_id, width_bucket(day - s.since - 1, ends), s.minor
        FROM (SELECT account_id, coalesce(min(business_date) FILTER (WHERE amount_minor < 0), min(business_date)) AS since,
                     sum(amount_minor)::bigint AS minor
              FROM (SELECT account_id, coalesce(payment_id, credit_note_id) AS source, business_date, amount_minor FROM posting
                    WHERE age_credits AND instalment_id IS NULL AND business_date <= day AND recorded_at <= known_at
                      AND (only_of IS NULL OR account_id = ANY (only_of))
                    UNION ALL
                    SELECT account_id, coalesce(payment_id, credit_note_id), business_date, amount_minor FROM allocation
                    WHERE age_credits AND business_date <= day AND recorded_at <= known_at
                      AND (only_of IS NULL OR account_id = ANY (only_of))) d
              GROUP BY account_id, source) s
        WHERE s.minor <> 0
    ) c
    WHERE of_portfolio IS NULL OR c.account_id IN (SELECT id FROM account WHERE portfolio = of_portfolio)
    GROUP BY 1, 2 HAVING sum(c.minor) <> 0
$$;

-- Rows are kept from change and deletion by `refuse_change`; emptying a whole table asks no row.
CREATE FUNCTION refuse_emptying() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only: it is not emptied', TG_TABLE_NAME;
END $$;
CREATE TRIGGER posting_not_emptied BEFORE TRUNCATE ON posting FOR EACH STATEMENT EXECUTE FUNCTION refuse_emptying();
CREATE TRIGGER allocation_not_emptied BEFORE TRUNCATE ON allocation FOR EACH STATEMENT EXECUTE FUNCTION refuse_emptying();
CREATE TRIGGER payment_not_emptied BEFORE TRUNCATE ON payment FOR EACH STATEMENT EXECUTE FUNCTION refuse_emptying();
CREATE TRIGGER payment_event_not_emptied BEFORE TRUNCATE ON payment_event FOR EACH STATEMENT EXECUTE FUNCTION refuse_emptying();
CREATE TRIGGER credit_note_not_emptied BEFORE TRUNCATE ON credit_note FOR EACH STATEMENT EXECUTE FUNCTION refuse_emptying();
CREATE TRIGGER adjustment_not_emptied BEFORE TRUNCATE ON adjustment FOR EACH STATEMENT EXECUTE FUNCTION refuse_emptying();
CREATE TRIGGER refund_not_emptied BEFORE TRUNCATE ON refund FOR EACH STATEMENT EXECUTE FUNCTION refuse_emptying();
CREATE TRIGGER audit_not_emptied BEFORE TRUNCATE ON audit FOR EACH STATEMENT EXECUTE FUNCTION refuse_emptying();
