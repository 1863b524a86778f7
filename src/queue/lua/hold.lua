-- Takes or keeps an exclusive right that lapses by itself.
-- KEYS[1] the right; ARGV: who, for how many milliseconds, 1 if it may be taken anew. Returns 1 if it is held.
local holder = redis.call('GET', KEYS[1])
if holder == ARGV[1] then return redis.call('PEXPIRE', KEYS[1], ARGV[2]) end
if holder or ARGV[3] ~= '1' then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
