-- The instalments of a batch, as far as they are known, each with its standing posting, and with the payment and the
-- dispute that an import recorded for it. At most one posting and one imported payment stand at a time; what was reversed
-- sums up to nothing. Each table is read once by the ids of the batch: no plan goes row by row through a growing table.
-- Where only one of the two sides says what an invoice is counted by, one of the same number and day is the same.
WITH wanted AS MATERIALIZED (
    SELECT DISTINCT ON (w.nth) w.nth, v.id AS invoice, v.series, i.id AS instalment, v.issued_on, v.po_number, i.due_on
    FROM jsonb_to_recordset($1) AS w (nth bigint, account uuid, number text, series text, issued_on date, seq smallint)
    LEFT JOIN invoice v ON v.account_id = w.account AND v.number = w.number
        AND (v.series = w.series OR (v.series = '' OR w.series = '') AND v.issued_on = w.issued_on)
    LEFT JOIN instalment i ON i.invoice_id = v.id AND i.seq = w.seq
    ORDER BY w.nth, v.series = w.series DESC, v.id
), posted AS (
    SELECT instalment_id, max(id) FILTER (WHERE reverses IS NULL) AS id, sum(amount_minor)::bigint AS minor FROM posting
    WHERE instalment_id = ANY (ARRAY(SELECT instalment FROM wanted)) AND kind IN ('invoice', 'credit_note')
    GROUP BY instalment_id HAVING sum(amount_minor) <> 0
), paid AS (
    SELECT DISTINCT ON (m.imported_for) m.imported_for, m.id, m.received_on, m.amount_minor
    FROM payment m JOIN posting s ON s.payment_id = m.id
    WHERE m.imported_for = ANY (ARRAY(SELECT instalment FROM wanted))
    GROUP BY m.id HAVING sum(s.amount_minor) <> 0
    ORDER BY m.imported_for, m.id DESC
), other AS (
    -- by others than an import: applied, credited, adjusted
    SELECT instalment_id, sum(minor)::bigint AS minor FROM (
        SELECT a.instalment_id, a.amount_minor AS minor FROM allocation a LEFT JOIN payment m ON m.id = a.payment_id
        WHERE a.instalment_id = ANY (ARRAY(SELECT instalment FROM wanted)) AND m.imported_for IS DISTINCT FROM a.instalment_id
        UNION ALL
        SELECT instalment_id, -amount_minor FROM posting
        WHERE instalment_id = ANY (ARRAY(SELECT instalment FROM wanted)) AND kind = 'adjustment') o
    GROUP BY instalment_id
), contested AS (
    SELECT DISTINCT ON (t.instalment_id) t.instalment_id, c.id, c.status, t.amount_minor
    FROM dispute_item t JOIN dispute c ON c.id = t.dispute_id
    WHERE t.instalment_id = ANY (ARRAY(SELECT instalment FROM wanted)) AND c.call_id IS NULL AND c.opened_by IS NULL
    ORDER BY t.instalment_id, c.opened_at DESC, c.id DESC
)
SELECT w.nth AS "nth!", w.invoice AS "invoice?", w.series AS "series?", w.instalment AS "instalment?", w.issued_on AS "issued_on?", w.po_number,
       w.due_on AS "due_on?",
       posted.id AS "posting?", posted.minor AS "posted_minor?",
       paid.id AS "payment?", paid.received_on AS "paid_on?", paid.amount_minor AS "paid_minor?",
       coalesce(other.minor, 0) AS "allocated_minor!",
       contested.id AS "dispute?", contested.status AS "dispute_status?", contested.amount_minor AS "dispute_minor?"
FROM wanted w
LEFT JOIN posted ON posted.instalment_id = w.instalment
LEFT JOIN paid ON paid.imported_for = w.instalment
LEFT JOIN other ON other.instalment_id = w.instalment
LEFT JOIN contested ON contested.instalment_id = w.instalment
