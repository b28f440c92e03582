-- The verbs of a store: each reads its arguments, does what redis_ledger.lua says, and answers in JSON.

local VERBS = {}
local TOLD = {put = true, claim = true, settle = true, cancel = true, retry = true, fire = true}

function VERBS.put()
  local capacity, found, added = tonumber(ARGV[4]), {}, {}
  for at = 5, #ARGV, 4 do
    local record, is_new = get(ARGV[at]), true
    if not record then
      record, is_new = put_one(ARGV[at + 1], ARGV[at + 2], cjson.decode(ARGV[at + 3]))
      if is_new then added[record.queue] = (added[record.queue] or 0) + 1 end
    end
    found[#found + 1] = list({text_of(record), literal(is_new)})
  end
  if capacity then check_capacity(capacity, added) end
  return list(found)
end

function VERBS.claim()
  local want = cjson.decode(ARGV[4])
  take_back(want.queue)
  promote(want.queue)
  local leases, too_late
  repeat
    leases, too_late = pick(want)
    tell(too_late)
  until #leases > 0 or #too_late == 0 or #too_late >= AT_ONCE -- else somebody who waited for those may be ready now
  return texts_of(leases)
end

function VERBS.renew()
  local answers, until_then = {}, now + tonumber(ARGV[4])
  for at, ref in ipairs(cjson.decode(ARGV[5])) do
    local id, fence, progress = unpack(ref)
    local record = get(id)
    if record and record.state == 'running' and record.fence == fence then
      change(record, {lease = until_then, progress = progress ~= null and literal(progress) or nil})
      answers[at] = record.cancelling and '"cancel"' or '"kept"'
    else
      answers[at] = '"lost"'
    end
  end
  return list(answers)
end

function VERBS.settle()
  local answers, ended = {}, {}
  for at, told in ipairs(cjson.decode(ARGV[4])) do
    local record = get(told.id)
    if record and record.state == 'running' and record.fence == told.fence then
      end_run(record, told)
      if ENDED[record.state] then ended[#ended + 1] = record end
      answers[at] = 'true'
    else
      answers[at] = literal(record and record.settled == told.fence) -- the answer to this very outcome was lost
    end
  end
  tell(ended)
  return list(answers)
end

function VERBS.cancel()
  return literal(cancel(known(ARGV[4])))
end

-- Replay a job, and then what was cancelled because of it.
function VERBS.retry()
  local first = known(ARGV[4])
  if first.state ~= 'dead' and first.state ~= 'cancelled' then refuse('state', first.state) end
  local again, at = {first}, 1
  while again[at] do
    local record = again[at]
    if record == first or (record.state == 'cancelled' and record.reason == 'parent failed') then
      replay(record)
      look_again(record.id)
      for _, id in ipairs(redis.call('ZRANGE', key('children', record.id), 0, -1)) do again[#again + 1] = get(id) end
    end
    at = at + 1
  end
  return text_of(first)
end

function VERBS.fire()
  local answers = {}
  for at = 4, #ARGV, 5 do
    local tick = cjson.decode(ARGV[at])
    local text, last, paused = unpack(schedule_of(tick.queue, tick.schedule) or {})
    local is_due = text ~= nil and not paused and tick.due > last
    if is_due then
      set_schedule(tick.queue, tick.schedule, text, tick.due, paused)
      if tick.cancels and tick.key ~= null then
        for _, id in ipairs(redis.call('ZRANGE', key('live', tick.queue, tick.key), 0, -1)) do cancel(get(id)) end
      end
      if not get(ARGV[at + 1]) then put_one(ARGV[at + 2], ARGV[at + 3], cjson.decode(ARGV[at + 4])) end
    end
    answers[#answers + 1] = literal(is_due)
  end
  return list(answers)
end

function VERBS.set_schedules()
  local queue = ARGV[4]
  for name, state in pairs(cjson.decode(ARGV[5])) do
    if state == null then
      redis.call('HDEL', key('schedules', queue), name)
    else
      local text, last, paused = unpack(state)
      local before = schedule_of(queue, name)
      set_schedule(queue, name, text, before and math.max(last, before[2]) or last, paused)
    end
  end
  return 'null'
end

function VERBS.prune()
  local keep = cjson.decode(ARGV[5])
  local oldest = keep.age == null and 0 or now - keep.age
  local pruned = prune(ARGV[4], 'succeeded', keep.succeeded, oldest)
  pruned = pruned + prune(ARGV[4], 'dead', keep.dead, oldest) + prune(ARGV[4], 'cancelled', keep.dead, oldest)
  return literal(pruned)
end

function VERBS.get()
  return text_of(known(ARGV[4]))
end

-- Looks at so many jobs from the newest, and says before which number to go on.
function VERBS.jobs()
  local queue, before, wanted = ARGV[4], ARGV[5], cjson.decode(ARGV[6])
  local found, next_before = {}, 'null'
  local looked = redis.call('ZREVRANGEBYSCORE', key('all', queue), before, '-inf', 'LIMIT', 0, AT_ONCE)
  for at, id in ipairs(looked) do
    local record = get(id)
    if (wanted.state == null or wanted.state == record.state) and (wanted.task == null or wanted.task == record.task) then
      found[#found + 1] = record
    end
    if #found == wanted.limit then break end
    if at == AT_ONCE then next_before = literal(record.seq) end
  end
  return list({texts_of(found), next_before})
end

function VERBS.stats()
  local texts = {}
  for at, text in ipairs(redis.call('HGETALL', key('counts', ARGV[4]))) do texts[at] = literal(text) end
  return list(texts)
end

function VERBS.schedules()
  local texts = {}
  for at, text in ipairs(redis.call('HGETALL', key('schedules', ARGV[4]))) do texts[at] = literal(text) end
  return list(texts)
end

function VERBS.next_due()
  local scheduled = redis.call('ZRANGE', key('scheduled', ARGV[4]), 0, 0, 'WITHSCORES')[2]
  local running = redis.call('ZRANGE', key('running', ARGV[4]), 0, 0, 'WITHSCORES')[2]
  if not (scheduled and running) then return literal(tonumber(scheduled or running)) end
  return literal(math.min(tonumber(scheduled), tonumber(running)))
end

function VERBS.now()
  return literal(now)
end

local is_done, answer = pcall(VERBS[ARGV[1]])
if not is_done then roll_back() end
flush()
if is_done then
  if TOLD[ARGV[1]] and answer ~= '[]' then redis.call('PUBLISH', KEYS[1] .. 'changes', ARGV[3]) end
  return answer
end
if type(answer) == 'table' and answer.refusal then return answer.refusal end
return {err = type(answer) == 'table' and answer.err or answer} -- with its first word, which tells errors apart
