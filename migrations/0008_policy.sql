-- The last look: receipts of every verdict, the policies they were given by, debtors' wishes, and attempts made elsewhere.

-- The rules in force, word for word, so that every receipt can be replayed by the rules it was given by.
CREATE TABLE policy_version (
    -- SHA-256 of the book in hex
    hash          text PRIMARY KEY,
    -- `compliance::book::Book`
    book          jsonb NOT NULL,
    first_used_at timestamptz NOT NULL
);

-- A verdict is a receipt: what was asked (`facts`), by which rules, what each of them found.
ALTER TABLE dial_decision
    ADD COLUMN policy_version text REFERENCES policy_version,
    ADD COLUMN findings jsonb NOT NULL DEFAULT '[]',
    -- when the consent to be called was given that the attempt was made under
    ADD COLUMN consented_at timestamptz,
    ADD COLUMN cite text;
CREATE INDEX dial_decision_campaign ON dial_decision (campaign_id, at DESC);
CREATE TRIGGER dial_decision_append_only BEFORE UPDATE OR DELETE ON dial_decision
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER policy_version_append_only BEFORE UPDATE OR DELETE ON policy_version
    FOR EACH ROW EXECUTE FUNCTION refuse_change();

-- Times and places at which a debtor does not want to be called.
CREATE TABLE contact_wish (
    id         uuid PRIMARY KEY,
    account_id uuid NOT NULL REFERENCES account,
    -- null: everybody at the account; a person's wish counts at every account
    person_id  uuid REFERENCES person,
    -- `compliance::wish::Wish`
    body       jsonb NOT NULL,
    user_id    uuid REFERENCES users,
    at         timestamptz NOT NULL,
    revoked_at timestamptz
);
CREATE INDEX contact_wish_account ON contact_wish (account_id) WHERE revoked_at IS NULL;
CREATE INDEX contact_wish_person ON contact_wish (person_id) WHERE revoked_at IS NULL AND person_id IS NOT NULL;

-- Attempts that another dialer made before we took over, so that counts do not begin at zero.
CREATE TABLE foreign_attempt (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    source     text NOT NULL CHECK (length(source) BETWEEN 1 AND 64),
    -- E.164
    number     text NOT NULL,
    account_id uuid REFERENCES account,
    at         timestamptz NOT NULL,
    direction  text NOT NULL CHECK (direction IN ('outbound', 'inbound')),
    -- `compliance::history::Reach` by name
    reach      text NOT NULL,
    recorded_at timestamptz NOT NULL,
    UNIQUE (source, number, at)
);
CREATE INDEX foreign_attempt_number ON foreign_attempt (number, at DESC);
CREATE INDEX foreign_attempt_account ON foreign_attempt (account_id, at DESC) WHERE account_id IS NOT NULL;

-- Hardship and vulnerability stop the calls, as the other reasons do.
ALTER TABLE account_hold DROP CONSTRAINT account_hold_reason_check;
ALTER TABLE account_hold ADD CONSTRAINT account_hold_reason_check CHECK (reason IN
    ('cease', 'attorney', 'bankruptcy', 'deceased', 'vulnerable', 'hardship', 'escalated', 'hold'));
CREATE OR REPLACE FUNCTION hold_strictness(reason text) RETURNS integer LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT array_position(
        ARRAY['deceased', 'bankruptcy', 'attorney', 'cease', 'vulnerable', 'hardship', 'escalated', 'hold'], reason)
$$;

-- The house's own list: a number, or with a trailing '*' every number that begins so, whichever account has it.
ALTER TABLE do_not_call DROP CONSTRAINT do_not_call_scope_check;
ALTER TABLE do_not_call ADD CONSTRAINT do_not_call_scope_check CHECK (scope IN ('number', 'person', 'account', 'house'));

-- Which level of the do-not-call list bars a number; null: none.
CREATE FUNCTION do_not_call_scope(phone text, person uuid, account uuid) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT scope FROM do_not_call
    WHERE revoked_at IS NULL AND ((scope = 'number' AND value = phone) OR (scope = 'person' AND value = person::text)
          OR (scope = 'account' AND value = account::text)
          OR (scope = 'house' AND phone LIKE replace(value, '*', '%')))
    ORDER BY array_position(ARRAY['house', 'account', 'person', 'number'], scope) LIMIT 1
$$;

CREATE OR REPLACE VIEW callable_number AS
SELECT p.id, p.account_id, k.person_id, p.value, p.zones, p.position,
       EXISTS (SELECT FROM do_not_call d WHERE d.revoked_at IS NULL AND d.scope = 'number' AND d.value = p.value)
       OR EXISTS (SELECT FROM do_not_call d WHERE d.revoked_at IS NULL AND d.scope = 'person' AND d.value = k.person_id::text)
       OR EXISTS (SELECT FROM do_not_call d WHERE d.revoked_at IS NULL AND d.scope = 'account' AND d.value = p.account_id::text)
       OR EXISTS (SELECT FROM do_not_call d WHERE d.revoked_at IS NULL AND d.scope = 'house'
                  AND p.value LIKE replace(d.value, '*', '%'))
          AS do_not_call
FROM contact_point p
JOIN contact k ON k.id = p.contact_id
WHERE p.kind = 'phone' AND p.invalid_at IS NULL;
