-- Adds what a batch says of its issues; all keys share the scope's hash tag.
--
-- KEYS  1 what issues' keys begin with, `{p1}:issue:`  2 issues by last seen
-- ARGV  1 most tags kept of an issue  2 most recent samples  3 most hours  4 most days
--       5 packed: {number, count, first_ms, last_ms, facts, hours, users, tags, their numbers,
--         samples, releases}
--
-- A call costs 2 to 3 µs: an issue that is known, with nothing new about it, takes seven.
local prefix = KEYS[1]
local most_tags, most_recent = tonumber(ARGV[1]), tonumber(ARGV[2])
local most_hours, most_days = tonumber(ARGV[3]), tonumber(ARGV[4])
local AT_ONCE = 1000
local HOUR, DAY = #'2026-11-23T15', #'2026-11-23'

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

-- What reports say of themselves; half as many places more are theirs alone, so that a stranger's
-- tags cannot hide a release.
local FACETS = {level = true, environment = true, release = true}
local function places_for(tag)
  return FACETS[string.match(tag, '^([^=]*)')] and most_tags * 3 / 2 or most_tags
end

-- A new value takes a place while there is one; beyond that it counts as its key's `(other)`, and
-- keys without end count as one.
local function count_beyond(key, tag, number, size)
  local other = string.match(tag, '^([^=]*)') .. '=(other)'
  if size >= most_tags * 2 and redis.call('HEXISTS', key, other) == 0 then
    other = '(other)=(other)'
  end
  redis.call('HINCRBY', key, other, number)
end

local function count_tags(key, tags, numbers, from, to)
  local known, size, put = redis.call('HMGET', key, unpack(tags, from, to)), nil, {}
  for at = from, to do
    local before = known[at - from + 1]
    size = size or not before and redis.call('HLEN', key)
    if before or size < places_for(tags[at]) then
      put[#put + 1], put[#put + 2] = tags[at], (before or 0) + numbers[at]
      size = size and not before and size + 1 or size
    else
      count_beyond(key, tags[at], numbers[at], redis.call('HLEN', key) + #put / 2)
    end
  end
  if #put > 0 then
    redis.call('HSET', key, unpack(put))
  end
end

-- Four places for each power of ten: the first event that comes to one stays there.
local function spread(ordinal)
  return math.floor(4 * math.log10(ordinal))
end

-- The first is kept, the recent go round, and between them a spread. Of a batch of an issue that
-- has many, only the newest goes round.
local function keep_samples(key, before, after, samples)
  local first, put = after > most_recent and #samples or 1, {}
  for at, sample in ipairs(samples) do
    local ordinal = before + sample[1] + 1
    local text = sample[2] .. ' ' .. sample[3]
    if before == 0 or spread(ordinal) > spread(before) then
      redis.call('HSETNX', key, 'n' .. spread(ordinal), text)
    end
    if at >= first then
      put[#put + 1], put[#put + 2] = 'r' .. (ordinal - 1) % most_recent, text
    end
  end
  redis.call('HSET', key, unpack(put))
end

-- What is said of the issue itself; returns how many events it had before.
local function put_facts(name, count, first_ms, facts, releases)
  local known = redis.call('HMGET', name, 'count', 'first_ms', 'first_release', 'last_release')
  local before = tonumber(known[1] or 0)
  local put = {'count', before + count}
  if not known[2] or first_ms < tonumber(known[2]) then
    put[#put + 1], put[#put + 2] = 'first_ms', first_ms
  end
  if releases[1] ~= '' and not known[3] then
    put[#put + 1], put[#put + 2] = 'first_release', releases[1]
  end
  if releases[2] ~= '' and releases[2] ~= known[4] then
    put[#put + 1], put[#put + 2] = 'last_release', releases[2]
  end
  redis.call('HSET', name, unpack(put))
  for field, text in pairs(facts) do
    redis.call('HSETNX', name, field, text)
  end
  return before
end

local seen = {}
for at, issue in ipairs(cmsgpack.unpack(ARGV[5])) do
  local number, count, first_ms, last_ms, facts, hours, users, tags, numbers, samples, releases =
    unpack(issue)
  local name = prefix .. number
  local before = put_facts(name, count, first_ms, facts, releases)
  seen[2 * at - 1], seen[2 * at] = last_ms, number
  count_hours(name .. ':counts', hours)
  redis.call('PFADD', name .. ':users', unpack(users))
  for from = 1, #tags, AT_ONCE do
    count_tags(name .. ':tags', tags, numbers, from, math.min(from + AT_ONCE - 1, #tags))
  end
  keep_samples(name .. ':samples', before, before + count, samples)
end
for from = 1, #seen, 2 * AT_ONCE do
  local to = math.min(from + 2 * AT_ONCE - 1, #seen)
  redis.call('ZADD', KEYS[2], 'GT', unpack(seen, from, to))
end
