-- For which campaign the agent worked then: who was there on a day is needed to dial the day again with another pacer.
ALTER TABLE agent_log ADD COLUMN campaign_id uuid;
CREATE INDEX agent_log_at ON agent_log (at);

-- How often calls are answered, learnt from calls that have had the time to be (`answer`): by segment of lines and by
-- number, each by the called party's hour of the week (0: Monday 0 to 1 h). Counts fade with time; `at` is their age.
CREATE TABLE answer_segment (
    -- country / kind of line / lane
    segment      text NOT NULL,
    hour_of_week smallint NOT NULL CHECK (hour_of_week BETWEEN 0 AND 167),
    dials        float8 NOT NULL,
    -- picked up by anybody or anything, and by people
    answered     float8 NOT NULL,
    people       float8 NOT NULL,
    at           timestamptz NOT NULL,
    PRIMARY KEY (segment, hour_of_week)
);
CREATE TABLE answer_number (
    number       text NOT NULL,
    hour_of_week smallint NOT NULL CHECK (hour_of_week BETWEEN 0 AND 167),
    dials        float8 NOT NULL,
    answered     float8 NOT NULL,
    people       float8 NOT NULL,
    at           timestamptz NOT NULL,
    PRIMARY KEY (number, hour_of_week)
);
-- Calls dialled up to this moment have been learnt from; one row.
CREATE TABLE answer_learnt (
    one   boolean PRIMARY KEY DEFAULT true CHECK (one),
    until timestamptz NOT NULL
);
INSERT INTO answer_learnt (until) VALUES ('1970-01-01T00:00:00Z');

-- The chance of an answer with which a line was dialled, relative to the mean of all lines.
ALTER TABLE call ADD COLUMN answer_chance float8 NOT NULL DEFAULT 1;

-- Callbacks that fall due within seconds.
CREATE INDEX callback_due ON callback (due_at) WHERE status = 'open';
