-- Forgets issues that nobody has seen since they were chosen; all keys share the scope's hash tag.
--
-- KEYS  1 what issues' keys begin with, `{p1}:issue:`  2 issues by last seen  3 fingerprints
--       4 merged  5 states
-- ARGV  1 packed: the names of what is kept of an issue
--       2 packed: groups, each an issue and its parts: {number, last seen (ms), its fingerprints}
-- Reply how many were forgotten
local kept = cmsgpack.unpack(ARGV[1])

local parts, merged = {}, redis.call('HVALS', KEYS[4])
for _, whole in ipairs(merged) do
  parts[whole] = (parts[whole] or 0) + 1
end

local function is_as_chosen(group)
  if (parts[string.format('%.0f', group[1][1])] or 0) ~= #group - 1 then
    return false
  end
  for _, issue in ipairs(group) do
    local last = redis.call('ZSCORE', KEYS[2], string.format('%.0f', issue[1]))
    if not last or tonumber(last) ~= issue[2] then
      return false
    end
  end
  return true
end

local function forget(number, names)
  for _, name in ipairs(names) do
    redis.call('HDEL', KEYS[3], name)
  end
  redis.call('HDEL', KEYS[4], number)
  redis.call('HDEL', KEYS[5], number)
  redis.call('ZREM', KEYS[2], number)
  redis.call('UNLINK', KEYS[1] .. number)
  for _, part in ipairs(kept) do
    redis.call('UNLINK', KEYS[1] .. number .. ':' .. part)
  end
end

local forgotten = 0
for _, group in ipairs(cmsgpack.unpack(ARGV[2])) do
  if is_as_chosen(group) then
    for _, issue in ipairs(group) do
      forget(string.format('%.0f', issue[1]), issue[3])
      forgotten = forgotten + 1
    end
  end
end
return forgotten
