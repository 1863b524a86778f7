-- Ends a rebuild. ARGV: lock, what the queue was built for. Returns 1, or 0 if the lock is lost.
if redis.call('GET', key('rebuilding')) ~= ARGV[1] then return 0 end
-- The server's microseconds: no queue before it, not even one from before a wipe, had this shape.
local time = redis.call('TIME')
redis.call('MSET', key('built'), ARGV[2], key('shape'), string.format('%.0f', time[1] * 1000000 + time[2]))
redis.call('DEL', key('rebuilding'))
return 1
