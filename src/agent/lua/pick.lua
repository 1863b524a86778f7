-- Takes out the first of those preferred who is ready, else who has been idle longest.
-- KEYS: ready (agent by idle since), built (mark that the set is complete). ARGV: those preferred, if any.
-- Returns nil where the set was lost, '' where nobody is ready.
if redis.call('EXISTS', KEYS[2]) == 0 then
    return false
end
for _, agent in ipairs(ARGV) do
    if redis.call('ZREM', KEYS[1], agent) == 1 then
        return agent
    end
end
return redis.call('ZPOPMIN', KEYS[1])[1] or ''
