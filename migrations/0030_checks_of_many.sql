-- Cash is applied thousands of rows at a time: what they may not do is looked up for all of their keys at once, which costs
-- half of what it does key by key. The rules are those of before.
CREATE OR REPLACE FUNCTION allocation_holds() RETURNS trigger LANGUAGE plpgsql SET enable_seqscan = off AS $$
DECLARE
    wrong uuid;
    accounts uuid[];
    payments uuid[];
    credit_notes uuid[];
    instalments uuid[];
    reversed bigint[];
BEGIN
    SELECT array_agg(DISTINCT account_id), array_agg(DISTINCT payment_id) FILTER (WHERE payment_id IS NOT NULL),
           array_agg(DISTINCT credit_note_id) FILTER (WHERE credit_note_id IS NOT NULL), array_agg(DISTINCT instalment_id),
           array_agg(reverses) FILTER (WHERE reverses IS NOT NULL)
    INTO accounts, payments, credit_notes, instalments, reversed FROM added;
    PERFORM 1 FROM account WHERE id = ANY (accounts) ORDER BY id FOR NO KEY UPDATE;

    SELECT payment_id INTO wrong FROM (
        SELECT payment_id, amount_minor AS used, 0 AS came FROM allocation WHERE payment_id = ANY (payments)
        UNION ALL SELECT payment_id, 0, -amount_minor FROM posting WHERE payment_id = ANY (payments)) moved
    GROUP BY payment_id HAVING sum(used) < 0 OR sum(used) > sum(came) LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'more than there is of payment % would be applied', wrong USING ERRCODE = 'LL001';
    END IF;

    SELECT credit_note_id INTO wrong FROM (
        SELECT credit_note_id, amount_minor AS used, 0 AS came FROM allocation WHERE credit_note_id = ANY (credit_notes)
        UNION ALL SELECT credit_note_id, 0, -amount_minor FROM posting WHERE credit_note_id = ANY (credit_notes)) moved
    GROUP BY credit_note_id HAVING sum(used) < 0 OR sum(used) > sum(came) LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'more than there is of credit note % would be applied', wrong USING ERRCODE = 'LL001';
    END IF;

    SELECT instalment_id INTO wrong FROM (
        SELECT instalment_id, amount_minor AS paid, 0 AS billed FROM allocation WHERE instalment_id = ANY (instalments)
        UNION ALL SELECT instalment_id, 0, amount_minor FROM posting WHERE instalment_id = ANY (instalments)) moved
    GROUP BY instalment_id HAVING sum(paid) < 0 OR sum(paid) > greatest(sum(billed), 0) LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'more than is owed on instalment % would be applied', wrong USING ERRCODE = 'LL001';
    END IF;

    -- Hardly anything is disputed: those items first, and the policy only of theirs.
    SELECT c.instalment_id INTO wrong
    FROM (SELECT a.instalment_id, a.account_id, sum(t.amount_minor) AS minor
          FROM (SELECT DISTINCT instalment_id, account_id FROM added
                WHERE amount_minor > 0 AND payment_id IS NOT NULL AND mode <> 'imported') a
          JOIN dispute_item t ON t.instalment_id = a.instalment_id
          JOIN dispute d ON d.id = t.dispute_id AND d.status = 'open'
          GROUP BY a.instalment_id, a.account_id OFFSET 0) c
    JOIN account o ON o.id = c.account_id
    WHERE (cash_policy_of(o.portfolio, o.party_kind)).spare_disputed
      AND (SELECT sum(amount_minor) FROM allocation WHERE instalment_id = c.instalment_id)
          > (SELECT sum(amount_minor) FROM posting WHERE instalment_id = c.instalment_id) - c.minor LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'the policy forbids a payment of the disputed part of instalment %', wrong USING ERRCODE = 'LL001';
    END IF;

    -- `reversed` says nothing that the join does not; it has them read by their key, whatever the plan was made for.
    SELECT a.instalment_id INTO wrong FROM added a JOIN allocation o ON o.id = a.reverses
    WHERE o.id = ANY (reversed) AND (a.amount_minor <> -o.amount_minor OR a.instalment_id <> o.instalment_id OR a.part <> o.part
       OR o.reverses IS NOT NULL OR coalesce(a.payment_id, a.credit_note_id) <> coalesce(o.payment_id, o.credit_note_id))
    LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'a reversal on instalment % does not mirror what it reverses', wrong USING ERRCODE = 'LL001';
    END IF;
    RETURN NULL;
END $$;

-- Hardly a row is a reversal: the others need no entry in the index that keeps a row from being reversed twice.
ALTER TABLE allocation DROP CONSTRAINT allocation_reverses_key;
CREATE UNIQUE INDEX allocation_reverses_key ON allocation (reverses) WHERE reverses IS NOT NULL;
ALTER TABLE posting DROP CONSTRAINT posting_reverses_key;
CREATE UNIQUE INDEX posting_reverses_key ON posting (reverses) WHERE reverses IS NOT NULL;
