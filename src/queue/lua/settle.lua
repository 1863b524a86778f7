-- The attempts of leases are committed: the accounts are in a call until they are placed anew.
-- ARGV: the accounts, then the lease of each. Returns for each 1, 2 if the account changed meanwhile, 0 if the lease has
-- lapsed.
local n = #ARGV / 2
local accounts = { unpack(ARGV, 1, n) }
local texts, dirty = redis.call('HMGET', ENTRY, unpack(accounts)), redis.call('SMISMEMBER', DIRTY, unpack(accounts))
local results, settled, members, entries, text = {}, {}, {}, {}, nil
for i = 1, n do
  local lease = string.match(texts[i] or '', '^L|%d+|[^|]*|[^|]*|([^|]*)|')
  if lease == ARGV[n + i] then
    -- A look at Postgres from before the commit must not make it ready again.
    text = text or 'H|' .. string.format('%.0f', redis.call('INCR', key('ticket'))) .. '|in_call|||'
    settled[#settled + 1] = accounts[i]
    members[#members + 1], members[#members + 2] = 0, accounts[i]
    entries[#entries + 1], entries[#entries + 2] = accounts[i], text
    results[i] = dirty[i] + 1
  else
    results[i] = 0
  end
end
if #settled > 0 then
  redis.call('ZREM', LEASES, unpack(settled))
  redis.call('ZADD', key('held:in_call'), unpack(members))
  redis.call('HSET', ENTRY, unpack(entries))
end
return results
