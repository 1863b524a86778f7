-- The figures of the accounts $1, worked out at $2 from postings, allocations, disputes and promises.
-- Each table is read by account, so that a batch of thousands of accounts costs a few index scans and not one for each item.
-- Materialized: a plan from when there were no rows would read all of a table in the order in which it is grouped.
WITH posted AS MATERIALIZED (
    SELECT account_id, instalment_id, amount_minor FROM posting WHERE account_id = ANY ($1)
), applied AS MATERIALIZED (
    SELECT instalment_id, amount_minor FROM allocation WHERE account_id = ANY ($1)
), billed AS (
    SELECT instalment_id, sum(amount_minor)::bigint AS minor FROM posted WHERE instalment_id IS NOT NULL GROUP BY instalment_id
), paid AS (
    SELECT instalment_id, sum(amount_minor)::bigint AS minor FROM applied GROUP BY instalment_id
), contested AS (
    SELECT instalment_id, sum(amount_minor)::bigint AS minor FROM dispute_item
    WHERE dispute_id = ANY (ARRAY (SELECT id FROM dispute WHERE account_id = ANY ($1) AND status = 'open'))
    GROUP BY instalment_id
), item AS (
    SELECT n.account_id, n.due_on, b.minor - coalesce(p.minor, 0) AS open_minor,
           least(coalesce(c.minor, 0), b.minor - coalesce(p.minor, 0)) AS disputed_minor
    FROM instalment n
    JOIN billed b ON b.instalment_id = n.id
    LEFT JOIN paid p ON p.instalment_id = n.id
    LEFT JOIN contested c ON c.instalment_id = n.id
    WHERE n.account_id = ANY ($1) AND b.minor - coalesce(p.minor, 0) > 0
), owed AS (
    SELECT account_id, count(*)::integer AS open_items, sum(open_minor)::bigint AS open_minor,
           sum(disputed_minor)::bigint AS disputed_minor,
           min(due_on) FILTER (WHERE open_minor > disputed_minor) AS oldest_due_on
    FROM item GROUP BY account_id
), balance AS (
    SELECT account_id, sum(amount_minor)::bigint AS minor FROM posted GROUP BY account_id
), promised AS (
    SELECT account_id,
           min(due_on) FILTER (WHERE status = 'open') AS open_promise_on,
           (count(*) FILTER (WHERE status = 'broken'))::integer AS broken,
           (count(*) FILTER (WHERE status = 'kept'))::integer AS kept,
           -- one was broken, and none was taken since
           (array_agg(status ORDER BY taken_at DESC, id DESC) FILTER (WHERE status <> 'cancelled'))[1] = 'broken'
           OR max(settled_at) FILTER (WHERE status = 'broken') > max(taken_at) FILTER (WHERE status <> 'cancelled')
               AS newest_broken
    FROM promise WHERE account_id = ANY ($1) GROUP BY account_id
)
INSERT INTO account_standing (account_id, open_items, open_minor, unapplied_minor, disputed_minor, collectible_minor,
                              oldest_due_on, open_promise_on, broken_promises, kept_promises, promise_broken, refreshed_at)
SELECT a.id,
       coalesce(o.open_items, 0),
       coalesce(o.open_minor, 0),
       -- whatever was credited beyond the items it could be applied to
       coalesce(o.open_minor, 0) - coalesce(b.minor, 0),
       coalesce(o.disputed_minor, 0),
       coalesce(b.minor, 0) - coalesce(o.disputed_minor, 0),
       o.oldest_due_on,
       -- another one that was broken does not wait for it
       CASE WHEN p.newest_broken THEN NULL ELSE p.open_promise_on END,
       coalesce(p.broken, 0),
       coalesce(p.kept, 0),
       coalesce(p.newest_broken, false),
       $2
FROM unnest($1::uuid[]) AS a (id)
LEFT JOIN owed o ON o.account_id = a.id
LEFT JOIN balance b ON b.account_id = a.id
LEFT JOIN promised p ON p.account_id = a.id
GROUP BY a.id, o.open_items, o.open_minor, o.disputed_minor, o.oldest_due_on, b.minor, p.open_promise_on, p.broken, p.kept,
         p.newest_broken
ON CONFLICT (account_id) DO UPDATE SET
    open_items = excluded.open_items,
    open_minor = excluded.open_minor,
    unapplied_minor = excluded.unapplied_minor,
    disputed_minor = excluded.disputed_minor,
    collectible_minor = excluded.collectible_minor,
    oldest_due_on = excluded.oldest_due_on,
    open_promise_on = excluded.open_promise_on,
    broken_promises = excluded.broken_promises,
    kept_promises = excluded.kept_promises,
    promise_broken = excluded.promise_broken,
    refreshed_at = excluded.refreshed_at,
    version = account_standing.version + 1
