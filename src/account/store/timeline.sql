-- Everything that happened with account $1, newest first, at most $4; what came before moment $2 and, of that very
-- moment, before key $3 only. One branch a kind of event, each cut to what can be on the page.
SELECT e.at AS "at!", e.kind AS "kind!", e.what AS "what!", e.ref AS "id", e.body AS "text", e.minor AS "minor", u.name AS "by?",
       (SELECT c.decision_id FROM call c WHERE e.kind = 'call' AND c.id = e.ref) AS "decision: DecisionId",
       e.key AS "key!"
FROM (
    (SELECT c.created_at AS at, 'call' AS kind, coalesce(d.label, c.outcome, c.state) AS what, c.id AS ref,
            (SELECT string_agg(DISTINCT v.number, ', ') FROM call_item ci JOIN instalment i ON i.id = ci.instalment_id
             JOIN invoice v ON v.id = i.invoice_id WHERE ci.call_id = c.id) AS body,
            NULL::bigint AS minor, c.agent_id AS user_id, 'call ' || c.id AS key
     FROM call c LEFT JOIN call_disposition cd ON cd.call_id = c.id
     LEFT JOIN disposition d ON d.set_name = cd.set_name AND d.code = cd.code
     WHERE c.account_id = $1 AND ($2::timestamptz IS NULL OR (c.created_at, 'call ' || c.id) < ($2, $3))
     ORDER BY c.created_at DESC, c.id DESC LIMIT $4)
    UNION ALL
    (SELECT m.created_at, 'message', m.state, m.id, m.subject, NULL, m.created_by, 'message ' || m.id
     FROM message m
     WHERE m.account_id = $1 AND ($2::timestamptz IS NULL OR (m.created_at, 'message ' || m.id) < ($2, $3))
     ORDER BY m.created_at DESC, m.id DESC LIMIT $4)
    UNION ALL
    (SELECT n.at, 'note', 'noted', n.id, n.body, NULL, n.user_id, 'note ' || n.id
     FROM note n
     WHERE n.account_id = $1 AND ($2::timestamptz IS NULL OR (n.at, 'note ' || n.id) < ($2, $3))
     ORDER BY n.at DESC, n.id DESC LIMIT $4)
    UNION ALL
    (SELECT p.taken_at, 'promise', 'promised', p.id, p.due_on::text, p.amount_minor, p.taken_by, 'promise ' || p.id
     FROM promise p
     WHERE p.account_id = $1 AND ($2::timestamptz IS NULL OR (p.taken_at, 'promise ' || p.id) < ($2, $3))
     ORDER BY p.taken_at DESC, p.id DESC LIMIT $4)
    UNION ALL
    (SELECT t.at, 'promise', t.after, p.id, concat_ws(': ', p.due_on::text, nullif(t.reason, '')), p.amount_minor, t.user_id, 'promised ' || lpad(t.id::text, 20, '0')
     FROM promise_transition t JOIN promise p ON p.id = t.promise_id
     WHERE p.account_id = $1
       AND ($2::timestamptz IS NULL OR (t.at, 'promised ' || lpad(t.id::text, 20, '0')) < ($2, $3))
     ORDER BY t.at DESC, t.id DESC LIMIT $4)
    UNION ALL
    (SELECT g.recorded_at, CASE WHEN g.kind = 'invoice' THEN 'invoice' ELSE g.kind END,
            CASE WHEN g.reverses IS NOT NULL THEN 'reversed' WHEN g.kind = 'payment' THEN 'received' ELSE 'posted' END,
            coalesce(g.payment_id, g.instalment_id), nullif(coalesce(nullif(g.reason, ''), y.reference), ''),
            -g.amount_minor, g.posted_by, 'posting ' || lpad(g.id::text, 20, '0')
     FROM posting g LEFT JOIN payment y ON y.id = g.payment_id
     WHERE g.account_id = $1 AND g.kind <> 'invoice'
       AND ($2::timestamptz IS NULL OR (g.recorded_at, 'posting ' || lpad(g.id::text, 20, '0')) < ($2, $3))
     ORDER BY g.recorded_at DESC, g.id DESC LIMIT $4)
    UNION ALL
    (SELECT v.at, 'payment', v.state, y.id, concat_ws(': ', y.reference, nullif(v.reason, '')), y.amount_minor, v.user_id,
            'payment ' || lpad(v.id::text, 20, '0')
     FROM payment y JOIN payment_event v ON v.payment_id = y.id
     WHERE y.account_id = $1 AND v.state = 'cleared'
       AND ($2::timestamptz IS NULL OR (v.at, 'payment ' || lpad(v.id::text, 20, '0')) < ($2, $3))
     ORDER BY v.at DESC, v.id DESC LIMIT $4)
    UNION ALL
    (SELECT s.at, 'dispute', s.what, s.id, s.body, s.minor, s.user_id, 'dispute ' || s.key
     FROM (SELECT d.opened_at AS at, 'opened' AS what, d.id, d.reason || CASE WHEN d.note = '' THEN '' ELSE ': ' || d.note END AS body,
                  (SELECT sum(i.amount_minor)::bigint FROM dispute_item i WHERE i.dispute_id = d.id) AS minor,
                  d.opened_by AS user_id, 'opened' || d.id AS key
           FROM dispute d WHERE d.account_id = $1
           UNION ALL
           SELECT d.closed_at, d.status, d.id, concat_ws(': ', d.reason, nullif(d.answer, '')), nullif(d.credited_minor, 0),
                  d.closed_by, 'over' || d.id
           FROM dispute d WHERE d.account_id = $1 AND d.closed_at IS NOT NULL
           UNION ALL
           SELECT v.at, v.what, d.id, nullif(v.body, ''), NULL, v.user_id, 'event' || lpad(v.id::text, 20, '0')
           FROM dispute d JOIN dispute_event v ON v.dispute_id = d.id
           WHERE d.account_id = $1 AND v.what IN ('evidence', 'proposed')) s
     WHERE $2::timestamptz IS NULL OR (s.at, 'dispute ' || s.key) < ($2, $3)
     ORDER BY s.at DESC, s.key DESC LIMIT $4)
    UNION ALL
    (SELECT s.at, 'approval', s.what, s.id, s.body, s.minor, s.user_id, 'approval ' || s.what || s.id
     FROM (SELECT a.requested_at AS at, 'requested' AS what, a.id, replace(a.kind, '_', ' ') AS body, a.amount_minor AS minor,
                  a.requested_by AS user_id
           FROM approval a WHERE a.account_id = $1
           UNION ALL
           SELECT a.decided_at, a.state, a.id, concat_ws(': ', replace(a.kind, '_', ' '), nullif(a.note, '')), a.amount_minor,
                  a.decided_by
           FROM approval a WHERE a.account_id = $1 AND a.decided_at IS NOT NULL) s
     WHERE $2::timestamptz IS NULL OR (s.at, 'approval ' || s.what || s.id) < ($2, $3)
     ORDER BY s.at DESC, s.what DESC, s.id DESC LIMIT $4)
    UNION ALL
    (SELECT s.at, 'hold', s.what, s.id, s.body, NULL, s.user_id, 'hold ' || s.key
     FROM (SELECT h.from_at AS at, h.reason AS what, h.id, nullif(h.note, '') AS body, h.user_id, 'on ' || h.id AS key
           FROM account_hold h WHERE h.account_id = $1
           UNION ALL
           SELECT h.released_at, 'released', h.id, h.reason, h.released_by, 'off ' || h.id
           FROM account_hold h WHERE h.account_id = $1 AND h.released_at IS NOT NULL
           UNION ALL
           SELECT c.placed_at, 'credit_hold', c.id, replace(c.reason, '_', ' '), c.placed_by, 'credit on ' || c.id
           FROM credit_hold c WHERE c.account_id = $1
           UNION ALL
           SELECT c.released_at, 'credit_released', c.id, c.note, c.released_by, 'credit off ' || c.id
           FROM credit_hold c WHERE c.account_id = $1 AND c.released_at IS NOT NULL) s
     WHERE $2::timestamptz IS NULL OR (s.at, 'hold ' || s.key) < ($2, $3)
     ORDER BY s.at DESC, s.key DESC LIMIT $4)
    UNION ALL
    (SELECT e.recorded_at, 'consent', e.purpose || ' ' || e.action, p.id, e.source, NULL, e.user_id,
            'consent ' || lpad(e.id::text, 20, '0')
     FROM consent_event e JOIN contact_point p ON p.id = e.contact_point_id
     WHERE p.account_id = $1
       AND ($2::timestamptz IS NULL OR (e.recorded_at, 'consent ' || lpad(e.id::text, 20, '0')) < ($2, $3))
     ORDER BY e.recorded_at DESC, e.id DESC LIMIT $4)
    UNION ALL
    (SELECT v.at, 'task', v.what, t.id, t.subject || CASE WHEN v.body = '' THEN '' ELSE ': ' || v.body END, NULL, v.user_id,
            'task ' || lpad(v.id::text, 20, '0')
     FROM task t JOIN task_event v ON v.task_id = t.id
     WHERE t.account_id = $1 AND ($2::timestamptz IS NULL OR (v.at, 'task ' || lpad(v.id::text, 20, '0')) < ($2, $3))
     ORDER BY v.at DESC, v.id DESC LIMIT $4)
    UNION ALL
    (SELECT v.at, 'plan', v.what, p.id, nullif(v.note, ''), p.total_minor, v.user_id, 'plan ' || lpad(v.id::text, 20, '0')
     FROM plan p JOIN plan_event v ON v.plan_id = p.id
     WHERE p.account_id = $1 AND ($2::timestamptz IS NULL OR (v.at, 'plan ' || lpad(v.id::text, 20, '0')) < ($2, $3))
     ORDER BY v.at DESC, v.id DESC LIMIT $4)
    UNION ALL
    (SELECT s.at, 'escalation', s.what, s.id, s.body, NULL, s.user_id, 'escalation ' || s.key
     FROM (SELECT e.at, e.level AS what, e.id, e.reason AS body, e.by AS user_id, 'up ' || e.id AS key
           FROM escalation e WHERE e.account_id = $1
           UNION ALL
           SELECT e.ended_at, 'ended', e.id, e.end_reason, e.ended_by, 'down ' || e.id
           FROM escalation e WHERE e.account_id = $1 AND e.ended_at IS NOT NULL) s
     WHERE $2::timestamptz IS NULL OR (s.at, 'escalation ' || s.key) < ($2, $3)
     ORDER BY s.at DESC, s.key DESC LIMIT $4)
    UNION ALL
    (SELECT r.at, 'credit', CASE WHEN r.flagged THEN 'score_changed' ELSE 'reviewed' END, r.id,
            coalesce('score ' || r.score, 'no score: too little history'), NULL, r.user_id, 'review ' || r.id
     FROM credit_review r
     WHERE r.account_id = $1 AND ($2::timestamptz IS NULL OR (r.at, 'review ' || r.id) < ($2, $3))
     ORDER BY r.at DESC, r.id DESC LIMIT $4)
    UNION ALL
    -- decisions that leave no row of their own
    (SELECT a.at, 'decision', a.action, NULL,
            nullif(concat_ws(': ', a.detail ->> 'now', nullif(a.detail ->> 'reason', '')), ''), NULL, a.user_id, 'audit ' || lpad(a.id::text, 20, '0')
     FROM audit a
     WHERE a.object_kind = 'account' AND a.object_id = $1::uuid::text
       AND a.action NOT IN ('hold', 'release_hold', 'consent', 'credit_hold', 'release_credit_hold', 'credit_review')
       AND ($2::timestamptz IS NULL OR (a.at, 'audit ' || lpad(a.id::text, 20, '0')) < ($2, $3))
     ORDER BY a.at DESC, a.id DESC LIMIT $4)
) e
LEFT JOIN users u ON u.id = e.user_id
ORDER BY e.at DESC, e.key DESC LIMIT $4
