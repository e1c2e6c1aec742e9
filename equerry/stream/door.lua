-- The door's one transaction: rate, quota, room, repeats, append.
--
-- KEYS  1 stream  2 its bytes  3 ids:new  4 ids:old  5 ids:since
--       6 rate of the address  7 rate of the key  8 refusals
--       9 accepted in this minute  10 in this hour  11 on this day  12 quotas used up
-- ARGV  1 max events  2 max bytes  3 ids remembered per generation  4 burst, seconds
--       5 events a second per address (0: no limit)  6 the same per key
--       7 events a minute (0: no quota)  8 an hour  9 a day
--       then per event: kind, id (16 bytes), received (epoch ms), JSON
-- Reply {verdict, retry after (s), appended, repeated}
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
local burst = tonumber(ARGV[4]) * 1000
local count = (#ARGV - 9) / 4

local function refuse(verdict, wait_ms)
  redis.call('HINCRBY', KEYS[8], verdict, count)
  return {verdict, math.max(1, math.ceil(wait_ms / 1000)), 0, 0}
end

-- Generic cell rate: a bucket keeps the time at which it is empty again. It is asked whether it
-- has room left, then charged for the whole batch: a batch above the burst passes and is paid off.
local empty_at = {}
for index, name in ipairs({'rate-address', 'rate-key'}) do
  local rate = tonumber(ARGV[4 + index])
  if rate > 0 then
    local at = math.max(now, tonumber(redis.call('GET', KEYS[5 + index]) or now))
    if at - now >= burst then
      return refuse(name, at - now - burst + 1000 / rate)
    end
    empty_at[index] = at + count * 1000 / rate
  end
end

-- Fixed windows, in UTC by this server's clock. What is counted in one expires with it.
local window_ms = {60000, 3600000, 86400000}
local quota_ends = {}
for index, name in ipairs({'quota-minute', 'quota-hour', 'quota-day'}) do
  local quota = tonumber(ARGV[6 + index])
  if quota > 0 then
    local start = now - now % window_ms[index]
    if tonumber(redis.call('GET', KEYS[8 + index]) or 0) + count > quota then
      redis.call('HSET', KEYS[12], name, string.format('%.0f', start))
      return refuse(name, start + window_ms[index] - now)
    end
    quota_ends[index] = start + window_ms[index]
  end
end

local bytes = 0
for index = 13, #ARGV, 4 do
  bytes = bytes + #ARGV[index]
end
local waiting = tonumber(redis.call('GET', KEYS[2]) or 0)
if redis.call('XLEN', KEYS[1]) + count > tonumber(ARGV[1])
  or waiting + bytes > tonumber(ARGV[2]) then
  return refuse('queue-full', 10000)
end

for index, at in pairs(empty_at) do
  redis.call('SET', KEYS[5 + index], string.format('%.0f', at),
    'PX', string.format('%.0f', at - now + 1000))
end

-- Two generations of an hour each: an id is known for one to two hours of the door's own time, so
-- a long outage forgets nothing that the spool may still send. A full generation turns early.
local since = tonumber(redis.call('GET', KEYS[5]) or 0)
if now - since >= 3600000 or redis.call('SCARD', KEYS[3]) >= tonumber(ARGV[3]) then
  redis.call('UNLINK', KEYS[4])
  if redis.call('EXISTS', KEYS[3]) == 1 then
    redis.call('RENAME', KEYS[3], KEYS[4])
  end
  redis.call('SET', KEYS[5], string.format('%.0f', now))
end

local appended, repeated, added = 0, 0, 0
for index = 10, #ARGV, 4 do
  local id = ARGV[index + 1]
  -- An error and a metric may bear the same id; errors, the many, are remembered without a prefix.
  local known = ARGV[index] == 'errors' and id or ARGV[index] .. id
  if redis.call('SISMEMBER', KEYS[4], known) == 1 or redis.call('SADD', KEYS[3], known) == 0 then
    repeated = repeated + 1
  else
    redis.call('XADD', KEYS[1], '*',
      'k', ARGV[index], 'i', id, 'r', ARGV[index + 2], 'd', ARGV[index + 3])
    appended = appended + 1
    added = added + #ARGV[index + 3]
  end
end
if added > 0 then
  redis.call('INCRBY', KEYS[2], added)
  for index, ends in pairs(quota_ends) do
    redis.call('INCRBY', KEYS[8 + index], appended)
    redis.call('PEXPIREAT', KEYS[8 + index], string.format('%.0f', ends))
  end
end
if repeated > 0 then
  redis.call('HINCRBY', KEYS[8], 'repeated', repeated)
end
return {'ok', 0, appended, repeated}
