-- The attempt of a lease is committed: the account is in a call until it is placed anew.
-- ARGV: account and lease of each. Returns for each 1, 2 if the account changed meanwhile, 0 if the lease has lapsed.
local results = {}
for i = 1, #ARGV, 2 do
  local account, lease = ARGV[i], ARGV[i + 1]
  local state, _, _, _, extra = read(account)
  if state == 'L' and extra == lease then
    -- A look at Postgres from before the commit must not make it ready again.
    local ticket = string.format('%.0f', redis.call('INCR', key('ticket')))
    redis.call('ZREM', LEASES, account)
    redis.call('ZADD', key('held:in_call'), 0, account)
    write(account, 'H', ticket, 'in_call', '', '', '')
    results[#results + 1] = redis.call('SISMEMBER', DIRTY, account) + 1
  else
    results[#results + 1] = 0
  end
end
return results
