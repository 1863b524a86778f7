-- As standings_of.sql, for every open account that campaign $1 may list as of $2, of portfolio $3 or any, in one scan.
WITH recent AS MATERIALIZED (
    SELECT to_number, person_id, created_at FROM counted_attempt WHERE created_at > $4
), by_number AS (
    SELECT to_number, array_agg(created_at ORDER BY created_at DESC) AS attempts FROM recent GROUP BY to_number
), by_person AS (
    SELECT person_id, array_agg(created_at ORDER BY created_at DESC) AS attempts FROM recent GROUP BY person_id
), live AS MATERIALIZED (
    SELECT account_id, person_id, to_number FROM call WHERE live AND direction = 'outbound'
), held AS (
    SELECT DISTINCT ON (account_id) account_id, reason, until_at FROM account_hold
    WHERE released_at IS NULL AND from_at <= $2 AND (until_at IS NULL OR until_at > $2)
    ORDER BY account_id, until_at IS NOT NULL, hold_strictness(reason), until_at DESC
), promised_call AS (
    SELECT DISTINCT ON (account_id) account_id, due_at, contact_point_id FROM callback
    WHERE status = 'open' AND (campaign_id IS NULL OR campaign_id = $1)
    ORDER BY account_id, due_at
)
SELECT a.id AS "account: AccountId", true AS "open!",
       s.open_minor, s.unapplied_minor, s.disputed_minor, s.collectible_minor, s.oldest_due_on, s.open_promise_on,
       s.promise_broken, s.broken_promises, s.kept_promises,
       h.reason AS "hold_reason?", h.until_at AS hold_until,
       b.due_at AS "callback_at?", b.contact_point_id AS "callback_number: ContactPointId",
       c.not_before, coalesce(c.attempts, 0) AS "attempts!", c.removed_why IS NOT NULL AS "removed!",
       a.id IN (SELECT account_id FROM live) AS "in_call!",
       n.id AS "contact_point?: ContactPointId", n.person_id AS "person?: PersonId", n.zones AS "zones?",
       n.do_not_call AS "do_not_call?",
       bn.attempts AS number_attempts,
       bp.attempts AS person_attempts,
       (n.value IN (SELECT to_number FROM live) OR n.person_id IN (SELECT person_id FROM live)) AS number_in_call
FROM account a
JOIN account_standing s ON s.account_id = a.id
LEFT JOIN campaign_account c ON c.campaign_id = $1 AND c.account_id = a.id
LEFT JOIN held h ON h.account_id = a.id
LEFT JOIN promised_call b ON b.account_id = a.id
LEFT JOIN callable_number n ON n.account_id = a.id
LEFT JOIN by_number bn ON bn.to_number = n.value
LEFT JOIN by_person bp ON bp.person_id = n.person_id
WHERE a.status = 'open' AND s.open_minor > 0 AND ($3::text IS NULL OR a.portfolio = $3)
ORDER BY a.id, n.position, n.id
