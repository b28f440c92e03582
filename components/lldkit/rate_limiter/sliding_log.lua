-- Sliding log (sliding_log.py says why). A key is a list of entries 'spent_at before units', oldest first; `before` is
-- how many units the log had seen before, modulo 2^52, so that the units of any stretch are one difference.
--
-- An answer shows of the log what figures are derived from: the oldest entries until they free what is wanted, and all
-- others as if spent at once, with the youngest.

local SEEN = 4503599627370496 -- 2^52

local function entry(key, index)
  local text = redis.call('LINDEX', key, index)
  if text then return parsed(text) end
end

-- The entries that count: where they begin, the units before them, and their units; and when the youngest was spent.
local function live(key, period)
  local last_spent_at, last_before, last_units = entry(key, -1)
  if not last_spent_at or last_spent_at + period <= now then return {first = -1, before = 0, used = 0} end
  local first = 0
  local spent_at, before = entry(key, first)
  while spent_at + period <= now do
    first = first + 1
    spent_at, before = entry(key, first)
  end
  local seen = (last_before + last_units) % SEEN
  return {first = first, before = seen, used = (seen - before) % SEEN, last_spent_at = last_spent_at}
end

local function shown(key, log, wanted)
  local texts, index, rest = {}, log.first, log.used
  while wanted > 0 and rest > 0 do
    local spent_at, _, units = entry(key, index)
    texts[#texts + 1] = string.format('%.0f %.0f', spent_at, units)
    index, wanted, rest = index + 1, wanted - units, rest - units
  end
  if rest > 0 then texts[#texts + 1] = string.format('%.0f %.0f', log.last_spent_at, rest) end
  return table.concat(texts, ' ')
end

local function append(key, log, period, cost)
  local spent_at = math.max(now, log.last_spent_at or now) -- a clock set back does not reorder the log
  if log.first < 0 then redis.call('DEL', key) else redis.call('LTRIM', key, log.first, -1) end
  redis.call('RPUSH', key, string.format('%.0f %.0f %.0f', spent_at, log.before, cost))
  if not goes_by_caller then redis.call('PEXPIREAT', key, expiry(spent_at + period)) end
end

if mode == 'reset' then return redis.call('DEL', unpack(KEYS)) end
local found, logs, granted = {}, {}, mode == 'acquire'
for i, key in ipairs(KEYS) do
  local limit, period, cost = parsed(ARGV[i + 2])
  local log = live(key, period)
  local free = limit - log.used
  logs[i], granted = log, granted and cost <= free
  found[i] = shown(key, log, math.max(1 - math.min(0, free), cost <= limit and cost - free or 0))
end
for i, key in ipairs(KEYS) do
  local _, period, cost = parsed(ARGV[i + 2])
  if granted then append(key, logs[i], period, cost) end
end
return answer(found)
