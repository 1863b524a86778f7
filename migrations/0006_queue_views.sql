-- What the queue reads of every account: the numbers it may be called on, and the attempts that count.

-- A valid telephone number of an account with who is reached there, and whether it is on a do-not-call list.
CREATE VIEW callable_number AS
SELECT p.id, p.account_id, k.person_id, p.value, p.zones, p.position,
       EXISTS (SELECT FROM do_not_call d WHERE d.revoked_at IS NULL AND d.scope = 'number' AND d.value = p.value)
       OR EXISTS (SELECT FROM do_not_call d WHERE d.revoked_at IS NULL AND d.scope = 'person' AND d.value = k.person_id::text)
       OR EXISTS (SELECT FROM do_not_call d WHERE d.revoked_at IS NULL AND d.scope = 'account' AND d.value = p.account_id::text)
          AS do_not_call
FROM contact_point p
JOIN contact k ON k.id = p.contact_id
WHERE p.kind = 'phone' AND p.invalid_at IS NULL;

-- An attempt that counts against the limits of frequency: see `call::Facts::counts_as_attempt`.
CREATE VIEW counted_attempt AS
SELECT to_number, person_id, created_at
FROM call
WHERE direction = 'outbound' AND facts -> 'create' ->> 'is' <> 'not_asked'
  AND outcome IS DISTINCT FROM 'busy' AND outcome IS DISTINCT FROM 'failed';

-- A hold in force at a moment is one not released that has begun and not ended; the strictest reason comes first.
CREATE FUNCTION hold_strictness(reason text) RETURNS integer LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT array_position(ARRAY['deceased', 'bankruptcy', 'attorney', 'cease', 'escalated', 'hold'], reason)
$$;
