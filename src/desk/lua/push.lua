-- Numbers a message, keeps it for a desk that reconnects, and publishes it.
-- KEYS: number of the last message, messages kept. ARGV: message without its number (a JSON object), first number where
-- the counter is lost, channel, how many are kept, seconds they are kept.
-- Returns the number.
if redis.call('EXISTS', KEYS[1]) == 0 then
    redis.call('SET', KEYS[1], ARGV[2])
    redis.call('DEL', KEYS[2])
end
local seq = string.format('%.0f', redis.call('INCR', KEYS[1]))
local numbered = '{"seq":' .. seq .. ',' .. string.sub(ARGV[1], 2)
redis.call('RPUSH', KEYS[2], numbered)
redis.call('LTRIM', KEYS[2], -tonumber(ARGV[4]), -1)
redis.call('EXPIRE', KEYS[1], ARGV[5])
redis.call('EXPIRE', KEYS[2], ARGV[5])
redis.call('PUBLISH', ARGV[3], numbered)
return seq
