-- Who took back what, so that every wish has its whole history; and consent as it happened.

ALTER TABLE do_not_call ADD COLUMN revoked_by uuid REFERENCES users;
ALTER TABLE account_hold ADD COLUMN released_by uuid REFERENCES users;
ALTER TABLE contact_wish ADD COLUMN revoked_by uuid REFERENCES users;

-- `at` is when the debtor said it, which may be earlier than it was recorded.
ALTER TABLE consent_event
    ADD COLUMN recorded_at timestamptz NOT NULL,
    ADD CONSTRAINT consent_event_purpose CHECK (purpose IN ('calls', 'frequency')),
    ADD CONSTRAINT consent_event_channel CHECK (channel = 'phone');
CREATE TRIGGER consent_event_append_only BEFORE UPDATE OR DELETE ON consent_event
    FOR EACH ROW EXECUTE FUNCTION refuse_change();

-- The house's list, newest first.
CREATE INDEX do_not_call_scope ON do_not_call (scope, id);

-- What the last look refused, as long as nothing about the account has changed: the queue does not offer it again before
-- its moment.
CREATE TABLE dial_refusal (
    campaign_id      uuid NOT NULL REFERENCES campaign,
    contact_point_id uuid NOT NULL REFERENCES contact_point,
    account_id       uuid NOT NULL REFERENCES account,
    -- the receipt
    decision_id      uuid NOT NULL REFERENCES dial_decision,
    rule             text NOT NULL,
    -- null: not before a fact changes
    next_allowed_at  timestamptz,
    policy_version   text NOT NULL,
    PRIMARY KEY (campaign_id, contact_point_id)
);
CREATE INDEX dial_refusal_account ON dial_refusal (account_id);
