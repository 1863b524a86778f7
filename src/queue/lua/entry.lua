-- What every transition of a campaign's queue needs; put before each script.
--
-- KEYS[1] is what the campaign's keys begin with. They share a hash tag, so all of them live on one node.
--   entry            hash    account -> state|ticket|place|rank|extra|body
--   ready:<bucket>   zset    by rank, lower first         R: place = bucket
--   waiting:<why>    zset    by the moment it is due      W: place = bucket, extra = why
--   held:<reason>    zset    by account                   H: place = reason
--   leases           zset    by expiry                    L: place = bucket, extra = lease
--   buckets          set     every bucket used since the queue was built
--   shape            string  another number whenever there may be another bucket: claimers keep the list of them
--   dirty            set     accounts to be placed anew: they changed while they could not be moved
--   built            string  the queue is complete
--   rebuilding       string  lock of who rebuilds it
--   ticket           string  number of the latest look at Postgres; an older look never replaces a newer one
--
-- Ranks, tickets and moments are handed on as the text they came in: Lua would round them when it prints them.
local function key(name) return KEYS[1] .. name end
local ENTRY, LEASES, DIRTY = key('entry'), key('leases'), key('dirty')

local function read(account)
  local text = redis.call('HGET', ENTRY, account)
  if not text then return nil end
  local state, ticket, place, rank, extra, body =
    string.match(text, '^(%u)|(%d+)|([^|]*)|([^|]*)|([^|]*)|(.*)$')
  return state, ticket, place, rank, extra, body
end

local function write(account, state, ticket, place, rank, extra, body)
  redis.call('HSET', ENTRY, account, table.concat({ state, ticket, place, rank, extra, body }, '|'))
end

local function set_of(state, place, extra)
  if state == 'R' then return key('ready:' .. place) end
  if state == 'W' then return key('waiting:' .. extra) end
  if state == 'H' then return key('held:' .. place) end
  return LEASES
end
