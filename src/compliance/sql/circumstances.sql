-- The circumstances of the contact points $1 as of $2: whose they are, what they wish, and what was tried since $3. History
-- comes as `compliance::history::Known`.
SELECT p.id AS "contact_point: ContactPointId", p.account_id AS "account: AccountId", k.person_id AS "person: PersonId",
       p.value, p.label, p.zones, p.invalid_at IS NULL AS "valid!",
       do_not_call_scope(p.value, k.person_id, p.account_id) AS do_not_call,
       a.party_kind, a.currency::text AS "currency!", a.country::text, a.region, a.city, a.postal_code, a.stated_zone, a.language,
       EXISTS (SELECT FROM contact g WHERE g.account_id = a.id AND g.role = 'guarantor') AS "guaranteed!",
       -- only who agreed to be called back consents, and only for the number that was spoken of
       (SELECT b.created_at FROM callback b
        JOIN call g ON g.id = b.call_id AND g.person_id = k.person_id
        JOIN call_disposition w ON w.call_id = g.id AND w.category = 'right_party' AND w.user_id IS NOT NULL
        WHERE b.account_id = a.id AND b.status = 'open' AND b.due_at <= $2
          AND (b.contact_point_id IS NULL OR b.contact_point_id = p.id)
        ORDER BY b.due_at LIMIT 1) AS callback_made_at,
       (SELECT CASE WHEN e.action = 'granted' THEN e.at END FROM consent_event e
        WHERE e.contact_point_id = p.id AND e.channel = 'phone' AND e.purpose = 'frequency'
        ORDER BY e.at DESC, e.id DESC LIMIT 1) AS asked_at,
       (SELECT CASE WHEN e.action = 'revoked' THEN e.at END
        FROM contact_point q JOIN consent_event e ON e.contact_point_id = q.id
        WHERE q.kind = 'phone' AND q.value = p.value AND e.channel = 'phone' AND e.purpose = 'calls'
        ORDER BY e.at DESC, e.id DESC LIMIT 1) AS consent_revoked_at,
       (SELECT coalesce(jsonb_agg(w.body ORDER BY w.id), '[]') FROM contact_wish w
        WHERE w.revoked_at IS NULL AND (w.person_id = k.person_id OR (w.person_id IS NULL AND w.account_id = a.id)))
         AS "wishes!: Json<Vec<Wish>>",
       (SELECT coalesce(jsonb_agg(h.line ORDER BY h.at DESC), '[]') FROM (
          SELECT c.created_at AS at, jsonb_build_object(
                   'call', c.id, 'at', c.created_at, 'direction', c.direction, 'outcome', c.outcome,
                   'told', c.facts -> 'create' ->> 'is' IN ('accepted', 'rejected'),
                   'rang', c.ringing_at IS NOT NULL, 'bridged_at', c.bridged_at, 'ended_at', c.ended_at,
                   'category', d.category, 'consented_at', v.consented_at,
                   'same_person', c.person_id IS NULL OR c.person_id = k.person_id,
                   'same_account', c.account_id IS NOT DISTINCT FROM a.id,
                   'same_number', p.value = CASE c.direction WHEN 'outbound' THEN c.to_number ELSE c.from_number END,
                   'at_work', coalesce(o.label = 'work', false)) AS line
          FROM call c
          LEFT JOIN call_disposition d ON d.call_id = c.id
          LEFT JOIN dial_decision v ON v.id = c.decision_id
          LEFT JOIN contact_point o ON o.id = c.contact_point_id
          WHERE (c.person_id = k.person_id OR c.to_number = p.value OR c.account_id = a.id) AND c.created_at > $3
            AND NOT (c.direction = 'outbound' AND c.facts -> 'create' ->> 'is' = 'not_asked')
          UNION ALL
          SELECT f.at, jsonb_build_object(
                   'call', null, 'at', f.at, 'direction', f.direction, 'reach', f.reach,
                   'same_person', true, 'same_account', f.account_id IS NULL OR f.account_id = a.id,
                   'same_number', f.number = p.value,
                   'at_work', CASE WHEN f.number = p.value THEN p.label = 'work' ELSE EXISTS (
                       SELECT FROM contact_point o
                       WHERE o.account_id = a.id AND o.kind = 'phone' AND o.value = f.number AND o.label = 'work') END)
          FROM foreign_attempt f
          WHERE (f.account_id = a.id OR f.number = ANY (ARRAY(
                    SELECT o.value FROM contact_point o JOIN contact r ON r.id = o.contact_id
                    WHERE o.kind = 'phone' AND (o.account_id = a.id OR r.person_id = k.person_id))))
            AND f.at > $3 AND f.at <= $2
        ) h) AS "history!: Json<Vec<Known>>"
FROM contact_point p
JOIN contact k ON k.id = p.contact_id
JOIN account a ON a.id = p.account_id
WHERE p.id = ANY ($1)
