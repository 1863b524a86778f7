-- Moves accounts to where a look at Postgres says they belong.
-- ARGV: now, ticket of the look, then for each account: account, lease it is moved by ('' for none), state ('' to take
-- it out), place, rank, extra, body, score in its set.
-- Returns for each: placed, older (a newer look was there before), leased (marked dirty), or unbuilt.
local now, ticket = tonumber(ARGV[1]), ARGV[2]
local built = redis.call('EXISTS', key('built')) == 1
local rebuilding = redis.call('EXISTS', key('rebuilding')) == 1
local results = {}

local function move(i)
  local account, lease = ARGV[i], ARGV[i + 1]
  local state, place, rank, extra, body, score =
    ARGV[i + 2], ARGV[i + 3], ARGV[i + 4], ARGV[i + 5], ARGV[i + 6], ARGV[i + 7]
  local was, was_ticket, was_place, _, was_extra = read(account)
  if was == 'L' and was_extra ~= lease then
    local expires = redis.call('ZSCORE', LEASES, account)
    if expires and tonumber(expires) > now then
      redis.call('SADD', DIRTY, account)
      return 'leased'
    end
  end
  if was and tonumber(was_ticket) > tonumber(ticket) then return 'older' end
  if was then redis.call('ZREM', set_of(was, was_place, was_extra), account) end
  if state == '' then
    redis.call('HDEL', ENTRY, account)
  else
    redis.call('ZADD', set_of(state, place, extra), score, account)
    write(account, state, ticket, place, rank, extra, body)
    if state ~= 'H' and redis.call('SADD', key('buckets'), place) == 1 then redis.call('INCR', key('shape')) end
  end
  return 'placed'
end

for i = 3, #ARGV, 8 do
  if built then
    results[#results + 1] = move(i)
  else
    -- Whoever rebuilds may have read this account already: it is looked at again afterwards.
    if rebuilding then redis.call('SADD', DIRTY, ARGV[i]) end
    results[#results + 1] = 'unbuilt'
  end
end
return results
