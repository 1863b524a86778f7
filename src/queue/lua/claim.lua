-- Lends the next entries of the open buckets.
-- ARGV: moment of expiry, number n of leases, n leases, then for each open bucket its name and its bonus
-- (what its hour takes off the rank of all its entries, lane by lane the same).
-- Returns false if the queue is not built, else account, bucket, body of each entry lent, in order of the leases.
if redis.call('EXISTS', key('built')) == 0 then return false end
local expires, n = ARGV[1], tonumber(ARGV[2])
local heads = {}

-- Looks up the first entry of a bucket; what is there without a matching entry is dropped.
local function refill(head)
  while true do
    local first = redis.call('ZRANGE', head.set, 0, 0, 'WITHSCORES')
    head.account = first[1]
    if not head.account then return end
    local state, ticket, place, rank, _, body = read(head.account)
    if state == 'R' and place == head.bucket then
      head.ticket, head.rank, head.body = ticket, rank, body
      head.effective = tonumber(first[2]) - head.bonus
      return
    end
    redis.call('ZREM', head.set, head.account)
  end
end

for i = 3 + n, #ARGV, 2 do
  local head = { bucket = ARGV[i], bonus = tonumber(ARGV[i + 1]), set = key('ready:' .. ARGV[i]) }
  refill(head)
  if head.account then heads[#heads + 1] = head end
end

local function before(a, b)
  return a.effective < b.effective or (a.effective == b.effective and a.account < b.account)
end

local lent = {}
for i = 1, n do
  local best
  for _, head in ipairs(heads) do
    if head.account and (not best or before(head, best)) then best = head end
  end
  if not best then break end
  redis.call('ZREM', best.set, best.account)
  redis.call('ZADD', LEASES, expires, best.account)
  write(best.account, 'L', best.ticket, best.bucket, best.rank, ARGV[2 + i], best.body)
  lent[#lent + 1] = best.account
  lent[#lent + 1] = best.bucket
  lent[#lent + 1] = best.body
  if i < n then refill(best) end
end
return lent
