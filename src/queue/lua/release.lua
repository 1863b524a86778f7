-- Gives leased entries back to where they were.
-- ARGV: account and lease of each. Returns for each 1, 2 if the account changed meanwhile, 0 if the lease has lapsed.
local results = {}
for i = 1, #ARGV, 2 do
  local account, lease = ARGV[i], ARGV[i + 1]
  local state, ticket, place, rank, extra, body = read(account)
  if state == 'L' and extra == lease then
    redis.call('ZREM', LEASES, account)
    redis.call('ZADD', key('ready:' .. place), rank, account)
    write(account, 'R', ticket, place, rank, '', body)
    results[#results + 1] = redis.call('SISMEMBER', DIRTY, account) + 1
  else
    results[#results + 1] = 0
  end
end
return results
