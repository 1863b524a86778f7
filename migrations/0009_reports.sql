-- Which ages an aging tells apart: the last day of each bucket but the last one, which has no end.
CREATE TABLE aging_buckets (
    name text PRIMARY KEY CHECK (name ~ '^[a-z0-9-]{1,32}$'),
    ends integer[] NOT NULL CHECK (cardinality(ends) BETWEEN 1 AND 12)
);
INSERT INTO aging_buckets (name, ends) VALUES
    ('standard', '{0,30,60,90,120}'), ('months', '{0,30,60,90}'), ('weeks', '{0,7,14,21,28}');

-- What every account owed at the end of a day, as it was known at a moment: one row for each account and part that is
-- not 0. Parts from 0 are the buckets of `ends`, by days past the due date or since the invoice date; -1 is credits and
-- -2 cash that is applied to nothing, both negative, so that the parts of an account sum to its balance. With
-- `age_credits` these lie in the buckets of their own dates. A figure of last month, asked for today, is the one of
-- today's knowledge; asked for as known then, the one that was reported.
--
-- One SELECT, so that Postgres takes it into the statement that calls it and leaves out what the arguments do not ask for.
CREATE FUNCTION aging_parts(day date, known_at timestamptz, by_due boolean, ends integer[], age_credits boolean,
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
        FROM (SELECT account_id, min(business_date) FILTER (WHERE amount_minor < 0) AS since, sum(amount_minor)::bigint AS minor
              FROM (SELECT account_id, coalesce(payment_id::text, kind) AS source, business_date, amount_minor FROM posting
                    WHERE age_credits AND instalment_id IS NULL AND business_date <= day AND recorded_at <= known_at
                      AND (only_of IS NULL OR account_id = ANY (only_of))
                    UNION ALL
                    SELECT account_id, coalesce(payment_id::text, 'credit_note'), business_date, amount_minor FROM allocation
                    WHERE age_credits AND business_date <= day AND recorded_at <= known_at
                      AND (only_of IS NULL OR account_id = ANY (only_of))) d
              GROUP BY account_id, source) s
        WHERE s.minor <> 0
    ) c
    WHERE of_portfolio IS NULL OR c.account_id IN (SELECT id FROM account WHERE portfolio = of_portfolio)
    GROUP BY 1, 2 HAVING sum(c.minor) <> 0
$$;
