-- The records of the scheduler in Redis, and the indexes that find them: what a `ledger.Table` is elsewhere.
--
-- KEYS[1]: what every key begins with. ARGV: the verb, the time in microseconds ('' is the server's), who asks; then
-- the arguments of the verb. The answer is a JSON text, made by hand, because cjson.encode rounds numbers of 16 digits.
--
-- A job is a hash: `fixed` (JSON of what never changes), `run` (JSON of what does), and four texts as JSON literals.
-- Its place in a sorted set is its number in the order of arrival and its id, so that equal scores come in that order.

local null = cjson.null
local TEXTS = {'payload', 'error', 'result', 'progress'} -- JSON literals
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
  if type(value) == 'number' then return string.format('%d', value) end
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
  return string.format('%016d', record.seq) .. record.id
end

local function id_of(its_place)
  return string.sub(its_place, 17)
end

-- What changes, as JSON; in one call, because this is what much of the time goes into.
local function run_text(r)
  return string.format(
    '[%d,"%s",%d,%d,%d,%d,%d,%d,%s,%s,%s,%s,%d,%d,%d,%s,%s,%s]',
    r.seq, r.state, r.due, r.rank, r.enqueued, r.fence, r.settled, r.lease, literal(r.worker), tostring(r.suspect),
    tostring(r.beside), tostring(r.cancelling), r.attempts, r.crashes, r.backoff, literal(r.started),
    literal(r.finished), literal(r.reason)
  )
end

local function text_of(record)
  return list({record.fixed, record.run, record.payload, record.error, record.result, record.progress})
end

-- A constructor that names all fields makes the table in one piece.
local function record_of(fixed, run, payload, err, result, progress)
  local f, r = cjson.decode(fixed), cjson.decode(run)
  return {
    fixed = fixed, run = run, payload = payload, error = err or 'null', result = result or 'null',
    progress = progress or 'null', id = f[1], unique_key = f[2], parents = f[3], queue = f[4], task = f[5],
    priority = f[6], head_start = f[7], key = f[8], group = f[9], on_parent_failure = f[10], max_attempts = f[11],
    max_crashes = f[12], expires = f[13], seq = r[1], state = r[2], due = r[3], rank = r[4], enqueued = r[5],
    fence = r[6], settled = r[7], lease = r[8], worker = r[9], suspect = r[10], beside = r[11], cancelling = r[12],
    attempts = r[13], crashes = r[14], backoff = r[15], started = r[16], finished = r[17], reason = r[18],
  }
end

local function load(id)
  local found = redis.call('HMGET', job_key(id), 'fixed', 'run', 'payload', 'error', 'result', 'progress')
  return found[1] and record_of(unpack(found))
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

-- Which of the jobs with its unique key it is among: the ended ones are many, and seldom asked for.
local function same_or_past(record)
  return ENDED[record.state] and 'past' or 'same'
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
  if record.unique_key ~= null then
    redis.call('ZREM', key(same_or_past(record), record.queue, record.unique_key), record.id)
  end
  count(record.queue, record.state, -1)
end

local function enter(record)
  local index, score = index_of(record)
  if index then redis.call('ZADD', index, literal(score), place(record)) end
  if record.state == 'running' then
    redis.call('SADD', key('held', record.worker), record.id)
    count_running(record, 1)
  elseif record.state == 'ready' and record.group ~= null then
    redis.call('SADD', key('groups', record.queue), record.group)
  end
  if record.key ~= null and not ENDED[record.state] then
    redis.call('ZADD', key('live', record.queue, record.key), record.seq, record.id)
  end
  if record.unique_key ~= null then
    redis.call('ZADD', key(same_or_past(record), record.queue, record.unique_key), record.enqueued, record.id)
  end
  count(record.queue, record.state, 1)
end

-- Let it be found by its number.
local function enlist(record)
  redis.call('ZADD', key('all', record.queue), record.seq, record.id)
end

local function remove(record)
  leave(record)
  redis.call('DEL', job_key(record.id), key('children', record.id))
  redis.call('ZREM', key('all', record.queue), record.id)
  for _, parent in ipairs(record.parents) do redis.call('ZREM', key('children', parent), record.id) end
  records[record.id] = false
end

local function insert(record)
  record.run = run_text(record)
  redis.call('HSET', job_key(record.id), 'fixed', record.fixed, 'run', record.run, 'payload', record.payload)
  undo[#undo + 1] = function() remove(get(record.id)) end
  records[record.id] = record
  enlist(record)
  enter(record)
  for _, parent in ipairs(record.parents) do redis.call('ZADD', key('children', parent), record.seq, record.id) end
end

-- Write a record's `run` and payload as they were.
local function restore(id, run, payload)
  leave(get(id))
  redis.call('HSET', job_key(id), 'run', run, 'payload', payload)
  records[id] = nil
  enter(get(id))
end

local function change(record, fields)
  local id, run, payload = record.id, record.run, record.payload
  undo[#undo + 1] = function() restore(id, run, payload) end
  leave(record)
  for name, value in pairs(fields) do record[name] = value end
  enter(record)
  if fields.seq then enlist(record) end
  record.run = run_text(record)
  redis.call('HSET', job_key(record.id), 'run', record.run)
  for _, name in ipairs(TEXTS) do
    if fields[name] then redis.call('HSET', job_key(record.id), name, fields[name]) end
  end
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

