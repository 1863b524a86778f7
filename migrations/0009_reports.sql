-- What every account owed at the end of a day, as it was known at a moment: one row an account with a balance, open
-- items sorted by days past the due date, or since the invoice date. A figure of last month, asked for today, is the
-- one of today's knowledge; asked for as known then, the one that was reported.
CREATE FUNCTION aging(day date, known_at timestamptz, by_due boolean)
RETURNS TABLE (account_id uuid, currency text, current_minor bigint, to_30 bigint, to_60 bigint, to_90 bigint,
               to_120 bigint, over_120 bigint, open_minor bigint, unapplied_minor bigint, balance_minor bigint)
LANGUAGE sql STABLE AS $$
    WITH posted AS (
        SELECT p.account_id, p.currency::text, p.instalment_id, sum(p.amount_minor)::bigint AS minor
        FROM posting p WHERE p.business_date <= day AND p.recorded_at <= known_at GROUP BY 1, 2, 3
    ), applied AS (
        SELECT a.account_id, a.instalment_id, sum(a.amount_minor)::bigint AS minor
        FROM allocation a WHERE a.business_date <= day AND a.recorded_at <= known_at GROUP BY 1, 2
    ), item AS (
        SELECT p.account_id, p.minor - coalesce(a.minor, 0) AS minor,
               day - CASE WHEN by_due THEN n.due_on ELSE v.issued_on END AS age
        FROM posted p
        JOIN instalment n ON n.id = p.instalment_id
        JOIN invoice v ON v.id = n.invoice_id
        LEFT JOIN applied a ON a.instalment_id = p.instalment_id
    ), aged AS (
        SELECT account_id,
               sum(minor) FILTER (WHERE age <= 0) AS current_minor,
               sum(minor) FILTER (WHERE age BETWEEN 1 AND 30) AS to_30,
               sum(minor) FILTER (WHERE age BETWEEN 31 AND 60) AS to_60,
               sum(minor) FILTER (WHERE age BETWEEN 61 AND 90) AS to_90,
               sum(minor) FILTER (WHERE age BETWEEN 91 AND 120) AS to_120,
               sum(minor) FILTER (WHERE age > 120) AS over_120,
               sum(minor) AS open_minor
        FROM item GROUP BY account_id
    ), spent AS (
        SELECT account_id, sum(minor) AS minor FROM applied GROUP BY account_id
    ), balance AS (
        SELECT account_id, currency, sum(minor) AS minor,
               -- cash and credits that are on no item, before they are applied to any
               -coalesce(sum(minor) FILTER (WHERE instalment_id IS NULL), 0) AS credit_minor
        FROM posted GROUP BY account_id, currency
    )
    SELECT b.account_id, b.currency,
           coalesce(g.current_minor, 0)::bigint, coalesce(g.to_30, 0)::bigint, coalesce(g.to_60, 0)::bigint,
           coalesce(g.to_90, 0)::bigint, coalesce(g.to_120, 0)::bigint, coalesce(g.over_120, 0)::bigint,
           coalesce(g.open_minor, 0)::bigint, (b.credit_minor - coalesce(s.minor, 0))::bigint, b.minor::bigint
    FROM balance b
    LEFT JOIN aged g ON g.account_id = b.account_id
    LEFT JOIN spent s ON s.account_id = b.account_id
    WHERE b.minor <> 0 OR coalesce(g.open_minor, 0) <> 0
$$;
