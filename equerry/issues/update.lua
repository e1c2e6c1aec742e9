-- Adds what a batch says of its issues; all keys share the scope's hash tag.
--
-- KEYS  1 what issues' keys begin with, `{p1}:issue:`  2 issues by last seen
-- ARGV  1 most tags kept of an issue  2 most recent samples  3 most hours  4 most days
--       5 packed: {number, count, first_ms, last_ms, facts, counts, users, tags, samples, releases}
local prefix = KEYS[1]
local most_tags, most_recent = tonumber(ARGV[1]), tonumber(ARGV[2])
local kept = {[#'2026-11-23T15'] = tonumber(ARGV[3]), [#'2026-11-23'] = tonumber(ARGV[4])}
local most_counts = (kept[13] + kept[10]) * 5 / 4

local function whole(number)
  return string.format('%.0f', number)
end

-- The newest hours and days stay.
local function trim_counts(key)
  local names = redis.call('HKEYS', key)
  table.sort(names, function(one, other) return one > other end)
  local seen, gone = {[13] = 0, [10] = 0}, {}
  for _, name in ipairs(names) do
    seen[#name] = seen[#name] + 1
    if seen[#name] > kept[#name] then
      gone[#gone + 1] = name
    end
  end
  if #gone > 0 then
    redis.call('HDEL', key, unpack(gone))
  end
end

-- A new value takes a place while there is one; beyond that it counts as its key's `(other)`, and
-- keys without end count as one.
local function count_tags(key, tags)
  local size = redis.call('HLEN', key)
  for tag, number in pairs(tags) do
    if size >= most_tags and redis.call('HEXISTS', key, tag) == 0 then
      tag = string.match(tag, '^([^=]*)') .. '=(other)'
      if size >= most_tags * 2 and redis.call('HEXISTS', key, tag) == 0 then
        tag = '(other)=(other)'
      end
    end
    if redis.call('HINCRBY', key, tag, number) == number then
      size = size + 1
    end
  end
end

-- The first is kept, the recent go round, and between them a spread: four of each power of ten.
local function keep_samples(key, before, samples)
  for _, sample in ipairs(samples) do
    local ordinal = before + sample[1] + 1
    local text = sample[2] .. ' ' .. sample[3]
    redis.call('HSETNX', key, 'n' .. math.floor(4 * math.log10(ordinal)), text)
    local turn = redis.call('HINCRBY', key, 'turn', 1)
    redis.call('HSET', key, 'r' .. turn % most_recent, text)
  end
end

for _, issue in ipairs(cmsgpack.unpack(ARGV[5])) do
  local number, count, first_ms, last_ms, facts, counts, users, tags, samples, releases =
    unpack(issue)
  local name = prefix .. whole(number)
  for field, text in pairs(facts) do
    redis.call('HSETNX', name, field, text)
  end
  local after = redis.call('HINCRBY', name, 'count', count)
  local known = redis.call('HGET', name, 'first_ms')
  if not known or first_ms < tonumber(known) then
    redis.call('HSET', name, 'first_ms', whole(first_ms))
  end
  if releases[1] ~= '' then
    redis.call('HSETNX', name, 'first_release', releases[1])
    redis.call('HSET', name, 'last_release', releases[2])
  end
  redis.call('ZADD', KEYS[2], 'GT', last_ms, whole(number))
  for bucket, events in pairs(counts) do
    redis.call('HINCRBY', name .. ':counts', bucket, events)
  end
  if redis.call('HLEN', name .. ':counts') > most_counts then
    trim_counts(name .. ':counts')
  end
  redis.call('PFADD', name .. ':users', unpack(users))
  count_tags(name .. ':tags', tags)
  keep_samples(name .. ':samples', after - count, samples)
end
