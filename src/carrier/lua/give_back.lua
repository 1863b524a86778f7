-- Gives ARGV[1] calls back to the bucket KEYS[1]. ARGV[2]: microseconds between two calls.
-- The key holds the moment at which the bucket is full again (see take.lua): it comes earlier, at the earliest now.
local stored = tonumber(redis.call('GET', KEYS[1]) or '0')
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local full_at = stored - tonumber(ARGV[1]) * tonumber(ARGV[2])
if full_at <= now then
  redis.call('DEL', KEYS[1])
else
  redis.call('SET', KEYS[1], string.format('%.0f', full_at), 'PX', math.ceil((full_at - now) / 1000))
end
