-- Gives up an exclusive right, if it is still held. KEYS[1] the right; ARGV: who.
if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end
return 0
