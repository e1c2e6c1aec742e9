-- Adds what a batch says of its issues; all keys share the scope's hash tag.
--
-- KEYS  1 what issues' keys begin with, `{p1}:issue:`  2 issues by last seen
-- ARGV  1 most tags kept of an issue  2 most recent samples  3 most hours  4 most days
--       5 packed: {number, count, first_ms, last_ms, facts, hours, users, tags, samples, releases}
--
-- A call costs a microsecond: an issue that is known, with nothing new about it, takes nine.
local prefix = KEYS[1]
local most_tags, most_recent = tonumber(ARGV[1]), tonumber(ARGV[2])
local most_hours, most_days = tonumber(ARGV[3]), tonumber(ARGV[4])
local HOUR, DAY = #'2026-11-23T15', #'2026-11-23'

local function whole(number)
  return string.format('%.0f', number)
end

-- Older hours are added up by the day, and the oldest days go.
local function trim_counts(key)
  local names, hours, days = redis.call('HKEYS', key), {}, {}
  for _, name in ipairs(names) do
    local some = #name == HOUR and hours or days
    some[#some + 1] = name
  end
  table.sort(hours)
  for at = 1, #hours - most_hours do
    local day = string.sub(hours[at], 1, DAY)
    local number = redis.call('HGET', key, hours[at])
    if redis.call('HINCRBY', key, day, number) == tonumber(number) then
      days[#days + 1] = day
    end
    redis.call('HDEL', key, hours[at])
  end
  table.sort(days)
  for at = 1, #days - most_days do
    redis.call('HDEL', key, days[at])
  end
end

local function count_hours(key, counts)
  for hour, number in pairs(counts) do
    if redis.call('HINCRBY', key, hour, number) == number then
      -- A quarter more than is kept: so not each new hour has to tidy up.
      if redis.call('HLEN', key) > (most_hours + most_days) * 5 / 4 then
        trim_counts(key)
      end
    end
  end
end

-- A new value takes a place while there is one; beyond that it counts as its key's `(other)`, and
-- keys without end count as one.
local function count_tags(key, tags)
  for tag, number in pairs(tags) do
    if redis.call('HINCRBY', key, tag, number) == number then
      local size = redis.call('HLEN', key)
      if size > most_tags then
        redis.call('HDEL', key, tag)
        tag = string.match(tag, '^([^=]*)') .. '=(other)'
        if size > most_tags * 2 and redis.call('HEXISTS', key, tag) == 0 then
          tag = '(other)=(other)'
        end
        redis.call('HINCRBY', key, tag, number)
      end
    end
  end
end

-- Four places for each power of ten: the first event that comes to one stays there.
local function spread(ordinal)
  return math.floor(4 * math.log10(ordinal))
end

-- The first is kept, the recent go round, and between them a spread. Of a batch of an issue that
-- has many, only the newest goes round.
local function keep_samples(key, before, after, samples)
  local first = after > most_recent and #samples or 1
  for at, sample in ipairs(samples) do
    local ordinal = before + sample[1] + 1
    local text = sample[2] .. ' ' .. sample[3]
    if before == 0 or spread(ordinal) > spread(before) then
      redis.call('HSETNX', key, 'n' .. spread(ordinal), text)
    end
    if at >= first then
      local turn = redis.call('HINCRBY', key, 'turn', 1)
      redis.call('HSET', key, 'r' .. turn % most_recent, text)
    end
  end
end

local seen = {}
for at, issue in ipairs(cmsgpack.unpack(ARGV[5])) do
  local number, count, first_ms, last_ms, facts, hours, users, tags, samples, releases =
    unpack(issue)
  local name = prefix .. whole(number)
  for field, text in pairs(facts) do
    redis.call('HSETNX', name, field, text)
  end
  local known = redis.call('HMGET', name, 'first_ms', 'last_release')
  local after = redis.call('HINCRBY', name, 'count', count)
  if not known[1] or first_ms < tonumber(known[1]) then
    redis.call('HSET', name, 'first_ms', whole(first_ms))
  end
  if releases[1] ~= '' and releases[2] ~= known[2] then
    redis.call('HSETNX', name, 'first_release', releases[1])
    redis.call('HSET', name, 'last_release', releases[2])
  end
  seen[2 * at - 1], seen[2 * at] = last_ms, whole(number)
  count_hours(name .. ':counts', hours)
  redis.call('PFADD', name .. ':users', unpack(users))
  count_tags(name .. ':tags', tags)
  keep_samples(name .. ':samples', after - count, after, samples)
end
for from = 1, #seen, 2000 do
  redis.call('ZADD', KEYS[2], 'GT', unpack(seen, from, math.min(from + 1999, #seen)))
end
