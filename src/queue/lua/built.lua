-- Ends a rebuild. ARGV: lock, what the queue was built for. Returns 1, or 0 if the lock is lost.
if redis.call('GET', key('rebuilding')) ~= ARGV[1] then return 0 end
redis.call('SET', key('built'), ARGV[2])
redis.call('DEL', key('rebuilding'))
return 1
