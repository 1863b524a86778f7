-- Gives leased entries back to where they were.
-- ARGV: the accounts, then the lease of each. Returns for each 1, 2 if the account changed meanwhile, 0 if the lease has
-- lapsed.
local results, n = {}, #ARGV / 2
for i = 1, n do
  local account, lease = ARGV[i], ARGV[n + i]
  local state, ticket, place, rank, extra, body = read(account)
  if state == 'L' and extra == lease then
    redis.call('ZREM', LEASES, account)
    redis.call('ZADD', key('ready:' .. place), rank, account)
    write(account, 'R', ticket, place, rank, '', body)
    results[i] = redis.call('SISMEMBER', DIRTY, account) + 1
  else
    results[i] = 0
  end
end
return results
