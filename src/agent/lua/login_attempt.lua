-- Counts a log-in attempt of one login and of everybody.
-- KEYS: counter of the login, counter of all. ARGV: limit, window in s (of the login), limit, window in s (of all).
-- Returns 0, or the seconds to wait.
for i = 1, 2 do
    local key, limit, window = KEYS[i], tonumber(ARGV[2 * i - 1]), tonumber(ARGV[2 * i])
    local count = redis.call('INCR', key)
    local left = redis.call('TTL', key)
    if left < 0 then
        redis.call('EXPIRE', key, window)
        left = window
    end
    if count > limit then
        return math.max(left, 1)
    end
end
return 0
