-- Lends the next entries of the open buckets.
-- ARGV: moment of expiry, shape of the queue the buckets are from, number n of leases, n leases, then for each open
-- bucket its name and its bonus (what its hour takes off the rank of all its entries, lane by lane the same).
-- Returns false if the queue is not built, else the shape it has, and account, number of the bucket (from 1) and body
-- of each entry lent, in order of the leases; none if the shape is another one.
local call, match = redis.call, string.match
local marks = call('MGET', key('built'), key('shape'))
if not marks[1] then return false end
local shape = marks[2] or ''
if shape ~= ARGV[2] then return { shape, {} } end
local expires, n = ARGV[1], tonumber(ARGV[3])

local bucket, bonus, set = {}, {}, {}
for i = 4 + n, #ARGV, 2 do
  local b = #bucket + 1
  bucket[b], bonus[b], set[b] = ARGV[i], tonumber(ARGV[i + 1]), key('ready:' .. ARGV[i])
end

-- The first accounts of all buckets in order, at most `most`, and the bucket of each; then how many came from each.
local function first(most)
  local found, base, seen, taken, head, rank = {}, {}, {}, {}, {}, {}

  -- Looks up what comes next in a bucket: first one, then three, twelve ... entries at a time.
  local function look(b)
    if taken[b] == seen[b] then
      local count = math.min(most, math.max(1, 3 * seen[b]))
      found[b] = call('ZRANGE', set[b], seen[b], seen[b] + count - 1, 'WITHSCORES')
      base[b], seen[b] = seen[b], seen[b] + count
    end
    local at = 2 * (taken[b] - base[b])
    head[b] = found[b][at + 1]
    rank[b] = head[b] and found[b][at + 2] - bonus[b]
  end

  for b = 1, #bucket do
    seen[b], taken[b] = 0, 0
    look(b)
  end
  local accounts, from = {}, {}
  for i = 1, most do
    local best
    for b = 1, #bucket do
      if rank[b] and (not best or rank[b] < rank[best] or (rank[b] == rank[best] and head[b] < head[best])) then
        best = b
      end
    end
    if not best then break end
    accounts[i], from[i], taken[best] = head[best], best, taken[best] + 1
    if i < most then look(best) end
  end
  return accounts, from, taken
end

local lent, lease = {}, 4
-- Takes the accounts out of their buckets and lends them; what is there without a matching entry is only dropped.
local function lend(accounts, from, taken)
  local texts, leases, entries = call('HMGET', ENTRY, unpack(accounts)), {}, {}
  for i = 1, #accounts do
    local account, b = accounts[i], from[i]
    local middle, place, body = match(texts[i] or '', '^R|(%d+|([^|]*)|[^|]*)||(.*)$')
    if place == bucket[b] then
      local l, k = #leases, #lent
      leases[l + 1], leases[l + 2] = expires, account
      entries[l + 1], entries[l + 2] = account, 'L|' .. middle .. '|' .. ARGV[lease] .. '|' .. body
      lent[k + 1], lent[k + 2], lent[k + 3] = account, b, body
      lease = lease + 1
    end
  end
  for b = 1, #bucket do
    if taken[b] > 0 then call('ZREMRANGEBYRANK', set[b], 0, taken[b] - 1) end
  end
  if #leases == 0 then return end
  call('ZADD', LEASES, unpack(leases))
  call('HSET', ENTRY, unpack(entries))
end

while lease < 4 + n do
  local most = 4 + n - lease
  local accounts, from, taken = first(most)
  if #accounts > 0 then lend(accounts, from, taken) end
  if #accounts < most then break end
end
return { shape, lent }
