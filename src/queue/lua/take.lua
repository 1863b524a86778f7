-- Lends one account to somebody who calls it by hand, whatever keeps it out of the queue.
-- ARGV: now, moment of expiry, account, lease. Returns false if it is lent to somebody else. An account that the queue
-- does not have needs no lease: only what is here can be lent twice.
local now, expires, account, lease = tonumber(ARGV[1]), ARGV[2], ARGV[3], ARGV[4]
local state, ticket, place, rank, extra, body = read(account)
if not state then return true end
if state == 'L' then
  local held = redis.call('ZSCORE', LEASES, account)
  if held and tonumber(held) > now then return false end
end
redis.call('ZREM', set_of(state, place, extra), account)
redis.call('ZADD', LEASES, expires, account)
write(account, 'L', ticket, place, rank, lease, body)
return true
