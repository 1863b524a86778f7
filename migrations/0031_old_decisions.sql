-- What is older than decisions are kept for is dropped once an hour, of all campaigns together. Rows come in the order of
-- time, so that the smallest of indexes does.
CREATE INDEX pacing_decision_at ON pacing_decision USING brin (at);
