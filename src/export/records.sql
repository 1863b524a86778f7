-- What was recorded since moment $1 in portfolio $2 (NULL: in any), at most $3, in the order in which it was recorded.
WITH stands AS (
    SELECT p.*, p.reverses IS NOT NULL AS back, abs(p.amount_minor) AS minor FROM posting p
    WHERE p.recorded_at >= $1 AND p.kind <> 'invoice' AND p.part = 'principal'
      AND CASE WHEN p.reverses IS NULL THEN NOT EXISTS (SELECT FROM posting r WHERE r.reverses = p.id)
               ELSE (SELECT w.recorded_at FROM posting w WHERE w.id = p.reverses) < $1 END
), paid AS (
    SELECT p.*, m.method, m.reference FROM stands p
    JOIN payment m ON m.id = p.payment_id AND m.imported_for IS NULL WHERE p.kind = 'payment'
), billed AS (
    SELECT p.payment_id, v.number, v.series, sum(n.amount_minor)::bigint AS minor
    FROM paid p JOIN allocation n ON n.payment_id = p.payment_id AND n.part = 'principal'
    JOIN instalment i ON i.id = n.instalment_id JOIN invoice v ON v.id = i.invoice_id
    WHERE NOT p.back GROUP BY p.payment_id, v.number, v.series HAVING sum(n.amount_minor) > 0
), one AS (
    SELECT 'payment' AS what, p.payment_id::text AS id, p.account_id, p.business_date AS day, b.minor,
           b.number AS invoice, b.series, p.method AS kind, p.reference AS body, p.recorded_at AS at
    FROM paid p JOIN billed b ON b.payment_id = p.payment_id WHERE NOT p.back
    UNION ALL
    SELECT 'payment', p.payment_id::text, p.account_id, p.business_date, (p.minor - l.billed)::bigint, NULL, NULL, p.method,
           p.reference, p.recorded_at
    FROM paid p CROSS JOIN LATERAL (SELECT coalesce(sum(b.minor), 0) AS billed FROM billed b
                                    WHERE b.payment_id = p.payment_id) l
    WHERE NOT p.back AND p.minor > l.billed
    UNION ALL
    SELECT 'reversal', p.payment_id::text, p.account_id, p.business_date, p.minor, NULL, NULL, p.method, p.reason,
           p.recorded_at
    FROM paid p WHERE p.back
    UNION ALL
    SELECT 'promise', id::text, account_id, due_on, amount_minor, NULL, NULL, status, '', taken_at FROM promise
    WHERE taken_at >= $1
    UNION ALL
    SELECT 'note', id::text, account_id, at::date, NULL, NULL, NULL, '', body, at FROM note WHERE at >= $1
    UNION ALL
    SELECT CASE WHEN p.back THEN 'adjustment_reversal' ELSE 'adjustment' END, j.id::text, p.account_id,
           p.business_date, p.minor, v.number, v.series, j.kind, p.reason, p.recorded_at
    FROM stands p JOIN adjustment j ON j.id = p.adjustment_id
    JOIN instalment i ON i.id = j.instalment_id JOIN invoice v ON v.id = i.invoice_id
    UNION ALL
    SELECT CASE WHEN p.back THEN 'adjustment_reversal' ELSE 'adjustment' END, c.id::text, p.account_id,
           p.business_date, p.minor, c.number, NULL, 'credit_note', p.reason, p.recorded_at
    FROM stands p JOIN credit_note c ON c.id = p.credit_note_id WHERE p.kind = 'credit_note'
    UNION ALL
    SELECT CASE WHEN p.back THEN 'refund_reversal' ELSE 'refund' END, f.id::text, p.account_id, p.business_date,
           p.minor, NULL, NULL, CASE WHEN f.payment_id IS NULL THEN 'credit_note' ELSE 'payment' END, p.reason,
           p.recorded_at
    FROM stands p JOIN refund f ON f.id = p.refund_id
)
SELECT o.what AS "what!", o.id AS "id!", a.number, a.name, a.currency::text AS "currency!", o.day AS "day!",
       o.minor, o.invoice, nullif(o.series, '') AS series, o.kind AS "kind!", o.body AS "body!"
FROM one o JOIN account a ON a.id = o.account_id WHERE $2::text IS NULL OR a.portfolio = $2
ORDER BY o.at, o.what, o.id, o.invoice, o.series LIMIT $3
