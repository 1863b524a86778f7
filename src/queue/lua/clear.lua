-- Empties the queue for whoever holds the lock of the rebuild; leases stay. Claims are refused until it is built.
-- ARGV: lock. Returns false if the lock is lost, else the ticket of the rebuild and the accounts that are leased.
if redis.call('GET', key('rebuilding')) ~= ARGV[1] then return false end
redis.call('DEL', key('built'))

-- Tickets grow from the server's microseconds, so that a look from before Redis was wiped never wins.
local time = redis.call('TIME')
local clock = string.format('%.0f', time[1] * 1000000 + time[2])
local latest = redis.call('GET', key('ticket'))
if not latest or tonumber(latest) < tonumber(clock) then redis.call('SET', key('ticket'), clock) end

local leased, kept = redis.call('ZRANGE', LEASES, 0, -1), {}
for _, account in ipairs(leased) do
  local text = redis.call('HGET', ENTRY, account)
  if text then kept[#kept + 1] = { account, text } end
end
for _, bucket in ipairs(redis.call('SMEMBERS', key('buckets'))) do redis.call('UNLINK', key('ready:' .. bucket)) end
for _, why in ipairs({ 'callback', 'retry_delay', 'frequency', 'hold', 'policy' }) do redis.call('UNLINK', key('waiting:' .. why)) end
for _, reason in ipairs({ 'open_promise', 'disputed', 'covered_by_unapplied_cash', 'no_callable_number',
  'attempts_used_up', 'cease', 'attorney', 'bankruptcy', 'deceased', 'vulnerable', 'hardship', 'do_not_call', 'escalated', 'on_hold', 'in_call',
  'removed', 'policy' }) do
  redis.call('UNLINK', key('held:' .. reason))
end
redis.call('UNLINK', ENTRY, key('buckets'), DIRTY)
for _, lent in ipairs(kept) do
  local _, _, place = string.match(lent[2], '^(%u)|(%d+)|([^|]*)|')
  redis.call('SADD', key('buckets'), place)
  redis.call('HSET', ENTRY, lent[1], lent[2])
end
return { redis.call('GET', key('ticket')), leased }
