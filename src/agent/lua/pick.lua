-- Takes out the owner if it is ready, else who has been idle longest.
-- KEYS: ready (agent by idle since), built (mark that the set is complete). ARGV: owner, or ''.
-- Returns nil where the set was lost, '' where nobody is ready.
if redis.call('EXISTS', KEYS[2]) == 0 then
    return false
end
if ARGV[1] ~= '' and redis.call('ZREM', KEYS[1], ARGV[1]) == 1 then
    return ARGV[1]
end
return redis.call('ZPOPMIN', KEYS[1])[1] or ''
