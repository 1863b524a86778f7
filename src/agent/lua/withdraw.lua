-- Takes an agent out, unless something newer has been told about it.
-- KEYS: ready (agent by idle since), told (newest version by agent). ARGV: agent, version.
if tonumber(ARGV[2]) < tonumber(redis.call('HGET', KEYS[2], ARGV[1]) or 0) then
    return 0
end
redis.call('HSET', KEYS[2], ARGV[1], ARGV[2])
return redis.call('ZREM', KEYS[1], ARGV[1])
