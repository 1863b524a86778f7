-- Whatever was wished, held, consented to or taken back about account $1, newest first, at most $2.
SELECT h.what AS "what!", h.detail AS "detail!: Json<serde_json::Value>", h.at AS "at!", u.name AS "by?", h.ended_at,
       e.name AS "ended_by?"
FROM (
    SELECT 'do_not_call:' || d.scope AS what,
           jsonb_build_object('id', d.id, 'value', d.value, 'reason', d.reason) AS detail,
           d.at, d.user_id, d.revoked_at AS ended_at, d.revoked_by AS ended_by
    FROM do_not_call d
    WHERE (d.scope = 'account' AND d.value = $1::uuid::text)
       OR (d.scope = 'person' AND d.value IN (SELECT person_id::text FROM contact WHERE account_id = $1))
       OR (d.scope = 'number' AND d.value IN (SELECT value FROM contact_point WHERE account_id = $1 AND kind = 'phone'))
       OR (d.scope = 'house' AND EXISTS (SELECT FROM contact_point p WHERE p.account_id = $1 AND p.kind = 'phone'
                                         AND p.value LIKE replace(d.value, '*', '%')))
    UNION ALL
    SELECT 'hold:' || h.reason, jsonb_build_object('id', h.id, 'note', h.note, 'until_at', h.until_at),
           h.from_at, h.user_id, h.released_at, h.released_by
    FROM account_hold h WHERE h.account_id = $1
    UNION ALL
    SELECT 'wish:' || (w.body ->> 'kind'), jsonb_build_object('id', w.id, 'person', w.person_id, 'wish', w.body),
           w.at, w.user_id, w.revoked_at, w.revoked_by
    FROM contact_wish w
    WHERE w.account_id = $1 OR w.person_id IN (SELECT person_id FROM contact WHERE account_id = $1)
    UNION ALL
    SELECT 'consent:' || c.purpose,
           jsonb_build_object('contact_point', c.contact_point_id, 'action', c.action, 'source', c.source,
                              'recorded_at', c.recorded_at),
           c.at, c.user_id, NULL, NULL
    FROM consent_event c JOIN contact_point p ON p.id = c.contact_point_id WHERE p.account_id = $1
    UNION ALL
    SELECT a.action, a.detail, a.at, a.user_id, NULL, NULL
    FROM audit a
    WHERE a.object_kind = 'account' AND a.object_id = $1::uuid::text
      AND a.action IN ('language', 'zone', 'address', 'party_kind')
) h
LEFT JOIN users u ON u.id = h.user_id
LEFT JOIN users e ON e.id = h.ended_by
ORDER BY h.at DESC, h.what LIMIT $2
