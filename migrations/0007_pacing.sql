-- What the pacer of each campaign has learnt, and why it dialled as it did.
CREATE TABLE pacer (
    campaign_id uuid PRIMARY KEY REFERENCES campaign,
    -- `pacing::predictive::Pacer`
    state       jsonb NOT NULL,
    -- up to when the campaign's calls have been told to it
    heard_until timestamptz NOT NULL
);

-- What the dialer did when it last looked at a campaign, in any mode, and why; the floor shows it.
CREATE TABLE pacing_latest (
    campaign_id uuid PRIMARY KEY REFERENCES campaign,
    at          timestamptz NOT NULL,
    -- `pacing::reason::Reason`
    reason      jsonb NOT NULL
);

-- Decisions that dialled, gave up lines or were limited by something else than the one before; kept for thirty days.
CREATE TABLE pacing_decision (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    campaign_id uuid NOT NULL REFERENCES campaign,
    at          timestamptz NOT NULL,
    dial        integer NOT NULL,
    gave_up     integer NOT NULL,
    -- `pacing::predictive::Because`: inputs and forecast
    because     jsonb NOT NULL
);
CREATE INDEX pacing_decision_campaign ON pacing_decision (campaign_id, at DESC);
