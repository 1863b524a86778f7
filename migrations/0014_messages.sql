-- Letters and mails: templates in versions, what was sent word for word, and what became of it.

-- Who writes and bills, by portfolio; letters and documents carry it.
CREATE TABLE issuer (
    portfolio    text PRIMARY KEY CHECK (length(portfolio) BETWEEN 1 AND 64),
    name         text NOT NULL CHECK (length(name) BETWEEN 1 AND 120),
    -- lines, top to bottom
    address      text NOT NULL DEFAULT '',
    email        text NOT NULL DEFAULT '',
    phone        text NOT NULL DEFAULT '',
    tax_id       text NOT NULL DEFAULT '',
    -- where to pay to, as printed on documents
    bank         text NOT NULL DEFAULT '',
    updated_by   uuid REFERENCES users,
    updated_at   timestamptz NOT NULL
);

-- A changed template is a new version: what was sent can always be traced to the words it was made from.
CREATE TABLE template (
    id         uuid PRIMARY KEY,
    name       text NOT NULL CHECK (name ~ '^[a-z0-9_]{1,64}$'),
    -- BCP 47
    language   text NOT NULL DEFAULT 'en',
    version    integer NOT NULL CHECK (version >= 1),
    subject    text NOT NULL CHECK (length(subject) BETWEEN 1 AND 200),
    body       text NOT NULL CHECK (length(body) BETWEEN 1 AND 20000),
    created_by uuid REFERENCES users,
    created_at timestamptz NOT NULL,
    UNIQUE (name, language, version)
);
CREATE TRIGGER template_append_only BEFORE UPDATE OR DELETE ON template FOR EACH ROW EXECUTE FUNCTION refuse_change();

CREATE TABLE message (
    id               uuid PRIMARY KEY,
    -- null, both of them: a notice to somebody of the house
    account_id       uuid REFERENCES account,
    contact_point_id uuid REFERENCES contact_point,
    -- `message::Purpose` by name
    purpose          text NOT NULL CHECK (purpose IN ('reminder', 'document', 'letter', 'notice')),
    template_id      uuid REFERENCES template,
    -- the address as it was when it was decided to write
    to_address       text NOT NULL,
    subject          text NOT NULL,
    body             text NOT NULL,
    -- of subject, a line feed, and body
    sha256           bytea NOT NULL CHECK (length(sha256) = 32),
    -- opens the page on which the reader opts out, without a log-in
    opt_out          text NOT NULL UNIQUE,
    state            text NOT NULL DEFAULT 'queued' CHECK (state IN ('queued', 'sent', 'bounced', 'failed', 'not_sent')),
    -- why it is where it is; codes and reasons, no personal data
    reason           text,
    tries            integer NOT NULL DEFAULT 0,
    created_by       uuid REFERENCES users,
    created_at       timestamptz NOT NULL,
    sent_at          timestamptz,
    CHECK ((account_id IS NULL) = (contact_point_id IS NULL))
);
CREATE INDEX message_account ON message (account_id, created_at DESC) WHERE account_id IS NOT NULL;
CREATE INDEX message_state ON message (state, created_at) WHERE state IN ('queued', 'failed', 'not_sent');

CREATE TABLE message_attachment (
    message_id uuid NOT NULL REFERENCES message,
    position   smallint NOT NULL,
    file_name  text NOT NULL CHECK (length(file_name) BETWEEN 1 AND 120),
    media_type text NOT NULL,
    bytes      bytea NOT NULL,
    PRIMARY KEY (message_id, position)
);

-- What became of a message, as it happened.
CREATE TABLE message_event (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    message_id uuid NOT NULL REFERENCES message,
    state      text NOT NULL,
    reason     text,
    at         timestamptz NOT NULL
);
CREATE INDEX message_event_message ON message_event (message_id, id);
CREATE TRIGGER message_event_append_only BEFORE UPDATE OR DELETE ON message_event
    FOR EACH ROW EXECUTE FUNCTION refuse_change();

-- Mail waits for somebody else's server: it keeps neither the house nor the carrier waiting.
ALTER TABLE outbox DROP CONSTRAINT outbox_lane_check;
ALTER TABLE outbox ADD CONSTRAINT outbox_lane_check CHECK (lane IN ('house', 'carrier', 'outside'));

-- An address is opted out of all messages, as a number is of all calls.
ALTER TABLE consent_event DROP CONSTRAINT consent_event_purpose, DROP CONSTRAINT consent_event_channel;
ALTER TABLE consent_event ADD CONSTRAINT consent_event_purpose CHECK
    (channel = 'phone' AND purpose IN ('calls', 'frequency') OR channel = 'email' AND purpose = 'messages');
CREATE INDEX contact_point_email ON contact_point (lower(value)) WHERE kind = 'email';

-- Since when an address is opted out of messages; null: it is not. What was said of the same address at any account
-- counts, and of two things the one said later.
CREATE FUNCTION messages_revoked_at(address text) RETURNS timestamptz LANGUAGE sql STABLE AS $$
    SELECT CASE WHEN said.action = 'revoked' THEN said.at END
    FROM (SELECT e.action, e.at FROM contact_point p JOIN consent_event e ON e.contact_point_id = p.id
          WHERE p.kind = 'email' AND lower(p.value) = lower(address) AND e.channel = 'email' AND e.purpose = 'messages'
          ORDER BY e.at DESC, e.id DESC LIMIT 1) said
$$;
