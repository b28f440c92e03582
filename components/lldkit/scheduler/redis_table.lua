-- The records of the scheduler in Redis, and the indexes that find them: what a `ledger.Table` is elsewhere.
--
-- KEYS[1]: what every key begins with. ARGV: the verb, the time in microseconds ('' is the server's), who asks; then
-- the arguments of the verb. The answer is a JSON text, made by hand, because cjson.encode rounds numbers of 16 digits.
--
-- A job is a hash: `fixed` (JSON of what never changes), `run` (JSON of what does), and four texts as JSON literals.
-- Its place in a sorted set is its number in the order of arrival and its id, so that equal scores come in that order.

local null = cjson.null
local FIXED = {
  'id', 'unique_key', 'parents', 'queue', 'task', 'priority', 'head_start', 'key', 'group', 'on_parent_failure',
  'max_attempts', 'max_crashes', 'expires',
}
local RUN = {
  'seq', 'state', 'due', 'rank', 'enqueued', 'fence', 'settled', 'lease', 'worker', 'suspect', 'beside', 'cancelling',
  'attempts', 'crashes', 'backoff', 'started', 'finished', 'reason',
}
local TEXTS = {'payload', 'error', 'result', 'progress'}
local WAITING = {blocked = true, scheduled = true, ready = true}
local ENDED = {succeeded = true, dead = true, cancelled = true}

local records = {} -- by id; false: there is none
local undo = {}
local counts = {} -- what is to be added, by queue
local seq

local function server_time()
  local time = redis.call('TIME')
  return tonumber(time[1]) * 1000000 + tonumber(time[2])
end

local now = ARGV[2] == '' and server_time() or tonumber(ARGV[2])

-- The length of the first name keeps two keys apart.
local function key(kind, name, rest)
  return KEYS[1] .. kind .. ':' .. #name .. ':' .. name .. (rest and ':' .. rest or '')
end

local function literal(value)
  if value == nil or value == null then return 'null' end
  if type(value) == 'number' then return string.format('%.0f', value) end
  if type(value) == 'string' then return cjson.encode(value) end
  return tostring(value)
end

local function list(texts)
  return '[' .. table.concat(texts, ',') .. ']'
end

local function job_key(id)
  return KEYS[1] .. 'job:' .. id
end

local function place(record)
  return string.format('%016.0f', record.seq) .. record.id
end

local function id_of(its_place)
  return string.sub(its_place, 17)
end

local function name_values(names, values, record)
  for at, name in ipairs(names) do record[name] = values[at] end
end

local function run_text(record)
  local texts = {}
  for at, name in ipairs(RUN) do texts[at] = literal(record[name]) end
  return list(texts)
end

local function text_of(record)
  return list({record.fixed, record.run, record.payload, record.error, record.result, record.progress})
end

local function load(id)
  local found = redis.call('HMGET', job_key(id), 'fixed', 'run', unpack(TEXTS))
  if not found[1] then return false end
  local record = {fixed = found[1], run = found[2]}
  name_values(FIXED, cjson.decode(found[1]), record)
  name_values(RUN, cjson.decode(found[2]), record)
  for at, name in ipairs(TEXTS) do record[name] = found[at + 2] or 'null' end
  return record
end

local function get(id)
  if records[id] == nil then records[id] = load(id) end
  return records[id]
end

local function next_seq()
  seq = (seq or tonumber(redis.call('GET', KEYS[1] .. 'seq') or 0)) + 1
  return seq
end

local function count(queue, what, change)
  counts[queue] = counts[queue] or {}
  counts[queue][what] = (counts[queue][what] or 0) + change
end

local function counted(queue, what)
  local added = counts[queue] and counts[queue][what] or 0
  return added + tonumber(redis.call('HGET', key('counts', queue), what) or 0)
end

local function waiting(queue)
  return counted(queue, 'blocked') + counted(queue, 'scheduled') + counted(queue, 'ready')
end

local function ready_key(queue, group)
  return group == null and key('ready', queue) or key('ready', queue, group)
end

-- The sorted set of its state, and by what that is sorted.
local function index_of(record)
  local queue, state = record.queue, record.state
  if state == 'ready' then return ready_key(queue, record.group), record.rank end
  if state == 'scheduled' then return key('scheduled', queue), record.due end
  if state == 'running' then return key('running', queue), record.lease end
  if ENDED[state] then return key('ended', queue, state), record.finished end
end

local function count_running(record, change)
  if record.group ~= null then redis.call('HINCRBY', key('busy', record.queue), record.group, change) end
end

-- The first command frees memory, so that a server which has none left still accepts ends and renewals.
local function leave(record)
  local index = index_of(record)
  if index then redis.call('ZREM', index, place(record)) end
  if record.state == 'running' then
    redis.call('SREM', key('held', record.worker), record.id)
    count_running(record, -1)
  end
  if record.key ~= null and not ENDED[record.state] then
    redis.call('ZREM', key('live', record.queue, record.key), record.id)
  end
  count(record.queue, record.state, -1)
end

local function enter(record)
  local index, score = index_of(record)
  if index then redis.call('ZADD', index, score, place(record)) end
  if record.state == 'running' then
    redis.call('SADD', key('held', record.worker), record.id)
    count_running(record, 1)
  elseif record.state == 'ready' and record.group ~= null then
    redis.call('SADD', key('groups', record.queue), record.group)
  end
  if record.key ~= null and not ENDED[record.state] then
    redis.call('ZADD', key('live', record.queue, record.key), record.seq, record.id)
  end
  count(record.queue, record.state, 1)
end

-- Let it be found by its number and its unique key.
local function enlist(record)
  redis.call('ZADD', key('all', record.queue), record.seq, record.id)
  if record.unique_key ~= null then
    redis.call('ZADD', key('same', record.queue, record.unique_key), record.seq, record.id)
  end
end

local function remove(record)
  leave(record)
  redis.call('DEL', job_key(record.id), key('children', record.id))
  redis.call('ZREM', key('all', record.queue), record.id)
  if record.unique_key ~= null then
    redis.call('ZREM', key('same', record.queue, record.unique_key), record.id)
  end
  for _, parent in ipairs(record.parents) do redis.call('ZREM', key('children', parent), record.id) end
  records[record.id] = false
end

local function insert(record)
  record.run = run_text(record)
  redis.call('HSET', job_key(record.id), 'fixed', record.fixed, 'run', record.run, 'payload', record.payload)
  undo[#undo + 1] = function() remove(record) end
  records[record.id] = record
  enlist(record)
  enter(record)
  for _, parent in ipairs(record.parents) do redis.call('ZADD', key('children', parent), record.seq, record.id) end
end

local function change(record, fields)
  local before = {}
  leave(record)
  for name, value in pairs(fields) do
    before[name], record[name] = record[name], value
  end
  enter(record)
  if fields.seq then enlist(record) end
  record.run = run_text(record)
  redis.call('HSET', job_key(record.id), 'run', record.run)
  for _, name in ipairs(TEXTS) do
    if fields[name] then redis.call('HSET', job_key(record.id), name, fields[name]) end
  end
  undo[#undo + 1] = function() change(record, before) end
end

local function roll_back()
  for at = #undo, 1, -1 do undo[at]() end
  seq = nil
end

-- Write what was gathered.
local function flush()
  if seq then redis.call('SET', KEYS[1] .. 'seq', literal(seq)) end
  for queue, changes in pairs(counts) do
    for what, change_of_it in pairs(changes) do
      if change_of_it ~= 0 then redis.call('HINCRBY', key('counts', queue), what, change_of_it) end
    end
  end
end

local function refuse(...)
  local texts = {}
  for at, value in ipairs({...}) do texts[at] = literal(value) end
  error({refusal = '{"refused":' .. list(texts) .. '}'})
end

