-- Makes an agent ready, unless something newer has been told about it.
-- KEYS: ready (agent by idle since), told (newest version by agent). ARGV: agent, idle since (ms), version.
if tonumber(ARGV[3]) < tonumber(redis.call('HGET', KEYS[2], ARGV[1]) or 0) then
    return 0
end
redis.call('HSET', KEYS[2], ARGV[1], ARGV[3])
redis.call('ZADD', KEYS[1], ARGV[2], ARGV[1])
return 1
