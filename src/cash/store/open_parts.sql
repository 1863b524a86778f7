-- What is open of each item of the accounts $1, by part, and how much of it is disputed. Sums by account first, so that a
-- batch of thousands of accounts costs a few index scans and not one for each item.
WITH moved AS (
    SELECT instalment_id, part, amount_minor AS minor FROM posting
    WHERE account_id = ANY ($1) AND instalment_id IS NOT NULL
    UNION ALL
    SELECT instalment_id, part, -amount_minor FROM allocation WHERE account_id = ANY ($1)
), open AS (
    SELECT instalment_id,
           coalesce(sum(minor) FILTER (WHERE part = 'principal'), 0)::bigint AS principal,
           coalesce(sum(minor) FILTER (WHERE part = 'interest'), 0)::bigint AS interest,
           coalesce(sum(minor) FILTER (WHERE part = 'fee'), 0)::bigint AS fee
    FROM moved GROUP BY instalment_id HAVING sum(minor) > 0
), contested AS (
    SELECT i.instalment_id, sum(i.amount_minor)::bigint AS minor
    FROM dispute d JOIN dispute_item i ON i.dispute_id = d.id
    WHERE d.account_id = ANY ($1) AND d.status = 'open' GROUP BY i.instalment_id
)
SELECT n.account_id AS account, n.id AS instalment, v.number, v.po_number, n.due_on,
       o.principal AS "principal!", o.interest AS "interest!", o.fee AS "fee!", coalesce(c.minor, 0) AS "disputed!"
FROM open o
JOIN instalment n ON n.id = o.instalment_id
JOIN invoice v ON v.id = n.invoice_id
LEFT JOIN contested c ON c.instalment_id = n.id
