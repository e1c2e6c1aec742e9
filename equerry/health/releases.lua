-- Adds what a batch says of its releases; all keys share the scope's hash tag.
--
-- KEYS  1 releases by last seen  2 what totals' keys begin with, `{p1}:release:`
--       3 the same of an hour's sessions  4 of a day's people
-- ARGV  1 most releases  2 packed: {name, first_ms, last_ms, counts, hour, when the hour is
--       forgotten, day, when the day is forgotten, people}, times to forget in epoch seconds
local most = tonumber(ARGV[1])
local known = redis.call('ZCARD', KEYS[1])

local function whole(number)
  return string.format('%.0f', number)
end

-- A new release takes a place while there is one; beyond that it counts among the others.
local function place_of(name)
  if redis.call('ZSCORE', KEYS[1], name) then
    return name
  end
  if known >= most then
    return '(other)'
  end
  known = known + 1
  return name
end

for _, row in ipairs(cmsgpack.unpack(ARGV[2])) do
  local given, first_ms, last_ms, counts, hour, hour_ends, day, day_ends, people = unpack(row)
  local name = place_of(given)
  local totals = KEYS[2] .. name
  redis.call('ZADD', KEYS[1], 'GT', whole(last_ms), name)
  local first_known = redis.call('HGET', totals, 'first_ms')
  if not first_known or first_ms < tonumber(first_known) then
    redis.call('HSET', totals, 'first_ms', whole(first_ms))
  end
  for field, number in pairs(counts) do
    redis.call('HINCRBY', totals, field, whole(number))
  end
  if counts.sessions then
    redis.call('HINCRBY', KEYS[3] .. hour, name, whole(counts.sessions))
    redis.call('EXPIREAT', KEYS[3] .. hour, whole(hour_ends))
  end
  for what, ids in pairs(people) do
    local key = KEYS[4] .. what .. ':' .. day .. ':' .. name
    -- `unpack` takes no more than its stack holds.
    for start = 1, #ids, 1000 do
      redis.call('PFADD', key, unpack(ids, start, math.min(start + 999, #ids)))
    end
    redis.call('EXPIREAT', key, whole(day_ends))
  end
end
