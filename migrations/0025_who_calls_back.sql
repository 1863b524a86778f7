-- Who promised to call an account back, so that the debtor reaches that agent first: of the callbacks that a call of this
-- moment makes (those that fall due within fifteen minutes after it), the earliest that an agent promised. null: nobody.
CREATE FUNCTION callback_agent(account uuid, at timestamptz) RETURNS uuid LANGUAGE sql STABLE AS $$
    SELECT agent_id FROM callback
    WHERE account_id = account AND status = 'open' AND agent_id IS NOT NULL AND due_at <= at + interval '15 minutes'
    ORDER BY due_at LIMIT 1
$$;
