-- Moves entries whose moment has come from waiting to ready.
-- ARGV: now, how many at most, kinds of waiting. Returns how many were moved.
local moved, most = 0, tonumber(ARGV[2])
for i = 3, #ARGV do
  local why = ARGV[i]
  local due = redis.call('ZRANGEBYSCORE', key('waiting:' .. why), '-inf', ARGV[1], 'LIMIT', 0, most - moved)
  for _, account in ipairs(due) do
    redis.call('ZREM', key('waiting:' .. why), account)
    local state, ticket, place, rank, extra, body = read(account)
    if state == 'W' and extra == why then
      redis.call('ZADD', key('ready:' .. place), rank, account)
      write(account, 'R', ticket, place, rank, '', body)
    end
    moved = moved + 1
  end
  if moved >= most then break end
end
return moved
