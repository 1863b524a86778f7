-- The messages after a number.
-- KEYS: number of the last message, messages kept. ARGV: number of the last message that was received.
-- Returns the messages, or nil where some of them are not kept any more (or the number was never given).
local last, received = tonumber(redis.call('GET', KEYS[1]) or 0), tonumber(ARGV[1])
local missed = last - received
if missed < 0 or missed > redis.call('LLEN', KEYS[2]) then
    return false
end
if missed == 0 then
    return {}
end
return redis.call('LRANGE', KEYS[2], -missed, -1)
