-- As standings_of.sql, for every open account that a campaign may list, in one scan and in Postgres' binary format, for
-- a million accounts have to be read in seconds. COPY takes no parameters: they are settings of the transaction.
-- The do-not-call list is that of callable_number, by hash tables: one look into an index for each number and level costs
-- more than all the rest. Calls of nobody we know are left out of each IN: among nulls it is neither true nor false.
COPY (
    SELECT a.id, s.open_minor, s.unapplied_minor, s.disputed_minor, s.collectible_minor, s.oldest_due_on,
           s.open_promise_on, s.promise_broken, s.broken_promises, s.kept_promises,
           h.reason, h.until_at, b.due_at, b.contact_point_id,
           c.not_before, c.attempts, c.removed_why IS NOT NULL,
           a.id IN (SELECT account_id FROM call WHERE live AND direction = 'outbound' AND account_id IS NOT NULL),
           n.id, n.person_id, n.zones,
           n.value IN (SELECT value FROM do_not_call WHERE revoked_at IS NULL AND scope = 'number')
               OR n.person_id IN (SELECT value::uuid FROM do_not_call WHERE revoked_at IS NULL AND scope = 'person')
               OR n.account_id IN (SELECT value::uuid FROM do_not_call WHERE revoked_at IS NULL AND scope = 'account')
               OR n.value LIKE ANY (ARRAY(SELECT replace(value, '*', '%') FROM do_not_call
                                          WHERE revoked_at IS NULL AND scope = 'house')),
           bn.attempts, bp.attempts,
           n.value IN (SELECT to_number FROM call WHERE live AND direction = 'outbound')
               OR n.person_id IN (
                   SELECT person_id FROM call WHERE live AND direction = 'outbound' AND person_id IS NOT NULL),
           r.rule, r.next_allowed_at,
           ba.dials, ba.people, (SELECT sum(dials) FROM answer_segment), (SELECT sum(people) FROM answer_segment),
           a.id IN (SELECT account_id FROM task WHERE state = 'open' AND kind = 'call' AND source_kind = 'reminder'
                      AND account_id IS NOT NULL)
    FROM account a
    JOIN account_standing s ON s.account_id = a.id
    LEFT JOIN campaign_account c
        ON c.campaign_id = current_setting('queue.campaign')::uuid AND c.account_id = a.id
    LEFT JOIN (
        SELECT DISTINCT ON (account_id) account_id, reason, until_at
        FROM account_hold, (SELECT current_setting('queue.now')::timestamptz AS now) AS present
        WHERE released_at IS NULL AND from_at <= now AND (until_at IS NULL OR until_at > now)
        ORDER BY account_id, until_at IS NOT NULL, hold_strictness(reason), until_at DESC
    ) h ON h.account_id = a.id
    LEFT JOIN (
        SELECT DISTINCT ON (account_id) account_id, due_at, contact_point_id FROM callback
        WHERE status = 'open'
          AND (campaign_id IS NULL OR campaign_id = current_setting('queue.campaign')::uuid)
        ORDER BY account_id, due_at
    ) b ON b.account_id = a.id
    LEFT JOIN callable_number n ON n.account_id = a.id
    LEFT JOIN dial_refusal r
        ON r.campaign_id = current_setting('queue.campaign')::uuid AND r.contact_point_id = n.id
           AND (r.next_allowed_at IS NULL OR r.next_allowed_at > current_setting('queue.now')::timestamptz)
    LEFT JOIN (
        SELECT to_number, array_agg(created_at ORDER BY created_at DESC) AS attempts FROM counted_attempt
        WHERE created_at > current_setting('queue.since')::timestamptz GROUP BY to_number
    ) bn ON bn.to_number = n.value
    LEFT JOIN (
        SELECT person_id, array_agg(created_at ORDER BY created_at DESC) AS attempts FROM counted_attempt
        WHERE created_at > current_setting('queue.since')::timestamptz GROUP BY person_id
    ) bp ON bp.person_id = n.person_id
    LEFT JOIN (
        SELECT number, sum(dials) AS dials, sum(people) AS people FROM answer_number GROUP BY number
    ) ba ON ba.number = n.value
    WHERE a.status = 'open' AND s.open_minor > 0
      AND current_setting('queue.portfolio') IN ('', a.portfolio)
    ORDER BY a.id, n.position, n.id
) TO STDOUT (FORMAT binary)
