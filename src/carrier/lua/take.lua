-- Takes up to ARGV[1] calls from the bucket KEYS[1]; answers how many were granted.
-- ARGV[2]: microseconds between two calls. ARGV[3]: calls that may go at once.
-- The key holds the moment, in microseconds, at which the bucket is full again (GCRA). The time is the server's, so
-- that nodes whose clocks differ share one rate.
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local wanted, interval, burst = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local stored = tonumber(redis.call('GET', KEYS[1]) or '0')
-- A moment farther ahead than an empty bucket takes to fill was written before the clock was set back.
local full_at = math.min(math.max(stored, now), now + burst * interval)
local free = math.floor((now + burst * interval - full_at) / interval)
local granted = math.max(math.min(wanted, free), 0)
if granted > 0 or stored > full_at then
  full_at = full_at + granted * interval
  redis.call('SET', KEYS[1], string.format('%.0f', full_at), 'PX', math.ceil((full_at - now) / 1000))
end
return granted
