-- A decision is kept whole in every mode: what was seen, what was done in the end, and what limited it.
ALTER TABLE pacing_decision ADD COLUMN reason jsonb;   -- `pacing::reason::Reason`
UPDATE pacing_decision SET reason = jsonb_build_object(
    'dialled', dial, 'gave_up', gave_up, 'refused', 0,
    'limited_by', CASE because->>'limited_by' WHEN 'no_agents' THEN 'no_idle_agent' WHEN 'lines' THEN 'max_lines'
                  ELSE because->>'limited_by' END,
    'idle', because->'idle', 'in_flight', because->'in_flight', 'waiting', because->'waiting', 'because', because);
ALTER TABLE pacing_decision
    ALTER COLUMN reason SET NOT NULL,
    DROP COLUMN dial,
    DROP COLUMN gave_up,
    DROP COLUMN because;
UPDATE pacing_latest SET reason = reason || '{"gave_up": 0}';
