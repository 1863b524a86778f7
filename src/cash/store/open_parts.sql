-- What is open of each item of the accounts $1, by part, and how much of it is disputed. Each table is read by account, and
-- what was read is joined: a batch of thousands of accounts costs a few index scans and not several for each item.
-- Materialized: a plan from when there were no rows would read all of a table in the order in which it is grouped.
WITH posted AS MATERIALIZED (
    SELECT instalment_id, part, amount_minor FROM posting WHERE account_id = ANY ($1) AND instalment_id IS NOT NULL
), applied AS MATERIALIZED (
    SELECT instalment_id, part, amount_minor FROM allocation WHERE account_id = ANY ($1)
), billed AS (
    SELECT instalment_id, sum(amount_minor)::bigint AS minor,
           coalesce(sum(amount_minor) FILTER (WHERE part = 'interest'), 0)::bigint AS interest,
           coalesce(sum(amount_minor) FILTER (WHERE part = 'fee'), 0)::bigint AS fee
    FROM posted GROUP BY instalment_id
), paid AS (
    SELECT instalment_id, sum(amount_minor)::bigint AS minor,
           coalesce(sum(amount_minor) FILTER (WHERE part = 'interest'), 0)::bigint AS interest,
           coalesce(sum(amount_minor) FILTER (WHERE part = 'fee'), 0)::bigint AS fee
    FROM applied GROUP BY instalment_id
), contested AS (
    SELECT instalment_id, sum(amount_minor)::bigint AS minor FROM dispute_item
    WHERE dispute_id = ANY (ARRAY (SELECT id FROM dispute WHERE account_id = ANY ($1) AND status = 'open'))
    GROUP BY instalment_id
)
SELECT n.account_id AS account, n.id AS instalment, v.number, v.po_number, n.due_on,
       b.minor - b.interest - b.fee - coalesce(p.minor - p.interest - p.fee, 0) AS "principal!",
       b.interest - coalesce(p.interest, 0) AS "interest!",
       b.fee - coalesce(p.fee, 0) AS "fee!",
       coalesce(c.minor, 0) AS "disputed!"
FROM instalment n
JOIN billed b ON b.instalment_id = n.id
JOIN invoice v ON v.id = n.invoice_id AND v.account_id = ANY ($1)
LEFT JOIN paid p ON p.instalment_id = n.id
LEFT JOIN contested c ON c.instalment_id = n.id
WHERE n.account_id = ANY ($1) AND b.minor > coalesce(p.minor, 0)
