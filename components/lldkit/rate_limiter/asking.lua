-- One call over all its quotas: the frame of the scripts whose state is one text per key (asking.py says it in Python).
--
-- ARGV: the mode; the caller's microseconds, or '' to go by this server's; then for each key its numbers, as one text.
-- Answer, as one text: now, and for each key the state that was found, or nothing, all separated by ';'. The caller
-- derives its verdicts from these by the same rule.

local mode, now = ARGV[1], tonumber(ARGV[2])
local goes_by_caller = now ~= nil
if not goes_by_caller then
  local time = redis.call('TIME')
  now = time[1] * 1000000 + time[2]
end

-- The numbers in a text, which spaces separate.
local function parsed(text)
  local numbers = {}
  for number in string.gmatch(text, '%S+') do numbers[#numbers + 1] = tonumber(number) end
  return unpack(numbers)
end

-- When the state that is idle from `idle_at` on may expire, in milliseconds, never earlier.
local function expiry(idle_at)
  return string.format('%.0f', math.ceil(idle_at / 1000))
end

local function keep(key, state, idle_at)
  if goes_by_caller then return redis.call('SET', key, state) end
  if idle_at <= now then return redis.call('DEL', key) end
  return redis.call('SET', key, state, 'PXAT', expiry(idle_at))
end

local function answer(found)
  return string.format('%.0f;', now) .. table.concat(found, ';')
end

-- `decide` and `undo` take a state, or false, and its key's numbers, and return the state after it and when that is
-- idle; nothing when refused. All keys are decided before one is written.
local function carry_out(decide, undo)
  if mode == 'reset' then return redis.call('DEL', unpack(KEYS)) end
  local found, after, idle_at, refused = {}, {}, {}, mode == 'peek'
  local step = mode == 'cancel' and undo or decide
  for i, key in ipairs(KEYS) do
    local state = redis.call('GET', key)
    found[i] = state or ''
    if mode ~= 'peek' then after[i], idle_at[i] = step(state, parsed(ARGV[i + 2])) end
    if not after[i] and mode ~= 'cancel' then refused = true end
  end
  for i, key in ipairs(KEYS) do
    if after[i] and not refused then keep(key, after[i], idle_at[i]) end
  end
  return answer(found)
end
