-- A person who was given an agent only after the limit counts as abandoned (16 CFR 310.4(b)(4)(iii)), whatever came of
-- the talk: mirrored from the facts, so that the share of a month is counted without reading them.
ALTER TABLE call ADD COLUMN connected_late boolean NOT NULL DEFAULT false;
