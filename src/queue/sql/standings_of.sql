-- The standing of the accounts $2 in campaign $1 as of $3, of portfolio $4 or any: one row for each of their numbers,
-- by account and position; an account without a number has one row. Attempts since $5 count.
SELECT a.id AS "account: AccountId", a.status = 'open' AS "open!",
       s.open_minor, s.unapplied_minor, s.disputed_minor, s.collectible_minor, s.oldest_due_on, s.open_promise_on,
       s.promise_broken, s.broken_promises, s.kept_promises,
       h.reason AS "hold_reason?", h.until_at AS hold_until,
       b.due_at AS "callback_at?", b.contact_point_id AS "callback_number: ContactPointId",
       EXISTS (SELECT FROM task WHERE account_id = a.id AND state = 'open' AND kind = 'call' AND source_kind = 'reminder')
           AS "reminder_call!",
       c.not_before, coalesce(c.attempts, 0) AS "attempts!", c.removed_why IS NOT NULL AS "removed!",
       EXISTS (SELECT FROM call WHERE live AND direction = 'outbound' AND account_id = a.id) AS "in_call!",
       n.id AS "contact_point?: ContactPointId", n.person_id AS "person?: PersonId", n.zones AS "zones?",
       n.do_not_call AS "do_not_call?",
       (SELECT array_agg(t.created_at ORDER BY t.created_at DESC) FROM counted_attempt t
        WHERE t.to_number = n.value AND t.created_at > $5) AS number_attempts,
       (SELECT array_agg(t.created_at ORDER BY t.created_at DESC) FROM counted_attempt t
        WHERE t.person_id = n.person_id AND t.created_at > $5) AS person_attempts,
       (EXISTS (SELECT FROM call WHERE live AND direction = 'outbound' AND to_number = n.value)
        OR EXISTS (SELECT FROM call WHERE live AND direction = 'outbound' AND person_id = n.person_id)) AS number_in_call,
       r.rule AS "refused_rule?", r.next_allowed_at AS refused_until,
       (SELECT sum(dials) FROM answer_number WHERE number = n.value) AS number_dials,
       (SELECT sum(people) FROM answer_number WHERE number = n.value) AS number_people,
       (SELECT sum(dials) FROM answer_segment) AS all_dials,
       (SELECT sum(people) FROM answer_segment) AS all_people
FROM account a
JOIN account_standing s ON s.account_id = a.id
LEFT JOIN campaign_account c ON c.campaign_id = $1 AND c.account_id = a.id
LEFT JOIN LATERAL (
    SELECT reason, until_at FROM account_hold
    WHERE account_id = a.id AND released_at IS NULL AND from_at <= $3 AND (until_at IS NULL OR until_at > $3)
    ORDER BY until_at IS NOT NULL, hold_strictness(reason), until_at DESC LIMIT 1
) h ON true
LEFT JOIN LATERAL (
    SELECT due_at, contact_point_id FROM callback
    WHERE account_id = a.id AND status = 'open' AND (campaign_id IS NULL OR campaign_id = $1)
    ORDER BY due_at LIMIT 1
) b ON true
LEFT JOIN callable_number n ON n.account_id = a.id
LEFT JOIN dial_refusal r
    ON r.campaign_id = $1 AND r.contact_point_id = n.id AND (r.next_allowed_at IS NULL OR r.next_allowed_at > $3)
WHERE a.id = ANY ($2) AND ($4::text IS NULL OR a.portfolio = $4)
ORDER BY a.id, n.position, n.id
