-- For which campaign the agent worked then: who was there on a day is needed to dial the day again with another pacer.
ALTER TABLE agent_log ADD COLUMN campaign_id uuid REFERENCES campaign;
CREATE INDEX agent_log_at ON agent_log (at);
