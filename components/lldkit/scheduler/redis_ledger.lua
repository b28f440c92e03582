-- What each verb does: `ledger`, `transitions` and `selection` in Lua, over the records of redis_table.lua.

local AT_ONCE = 1000 -- how many jobs one call promotes, takes back, looks at or forgets at most
local PAGE = 10 -- how many jobs of a group are fetched at once

-- Transitions

local function state_when(due)
  return due <= now and 'ready' or 'scheduled'
end

local function finish(record, state, reason)
  change(record, {state = state, finished = now, reason = reason, lease = 0, worker = null, cancelling = false})
end

local function cancelled(record, reason)
  finish(record, 'cancelled', reason or null)
end

local function lose(record, alone)
  if alone then change(record, {crashes = record.crashes + 1}) end
  if record.cancelling then
    cancelled(record)
  elseif record.crashes >= record.max_crashes then
    finish(record, 'dead', 'crashed')
  else
    change(record, {state = 'ready', due = now, lease = 0, worker = null})
  end
  change(record, {suspect = true})
end

local function replay(record)
  change(record, {
    seq = next_seq(), state = 'blocked', due = now, rank = now - record.head_start, enqueued = now, suspect = false,
    cancelling = false, attempts = 0, crashes = 0, backoff = 0, started = null, finished = null, reason = null,
  })
end

-- The end of a run, as the holder of the newest fence tells it.
local function end_run(record, told)
  local attempts = record.attempts + (told.counts and 1 or 0)
  if record.cancelling then
    change(record, {settled = told.fence, attempts = attempts})
    cancelled(record)
  elseif told.event == 'lose' then
    change(record, {settled = told.fence})
    lose(record, true)
  elseif told.state ~= 'scheduled' then
    change(record, {
      state = told.state, settled = told.fence, attempts = attempts, lease = 0, worker = null, suspect = false,
      finished = now, reason = told.reason, error = literal(told.error), result = literal(told.result),
    })
  else
    local due = now + told.delay
    local keeps_place = told.event == 'release' and told.delay == 0
    change(record, {
      state = state_when(due), settled = told.fence, due = due, attempts = attempts, lease = 0, worker = null,
      rank = keeps_place and record.rank or due - record.head_start, suspect = false, backoff = told.delay,
      error = told.error == null and record.error or literal(told.error),
    })
  end
end

-- Who waits for whom

local function first_of_key(record)
  if record.key == null then return nil end
  return redis.call('ZRANGE', key('live', record.queue, record.key), 0, 0)[1]
end

-- 'go', 'wait' or 'cancel'. Parents that are forgotten have ended long ago.
local function say_of_parents(record)
  local says = 'go'
  for _, id in ipairs(record.parents) do
    local parent = get(id)
    if parent and (parent.state == 'dead' or parent.state == 'cancelled') then
      if record.on_parent_failure == 'cancel' then return 'cancel' end
      if record.on_parent_failure == 'hold' then says = 'wait' end
    elseif parent and parent.state ~= 'succeeded' then
      says = 'wait'
    end
  end
  return says
end

-- Unblock a job that need not wait any more, or cancel it with its parent: then the answer is true.
local function look_again(id)
  local record = get(id)
  if not record or record.state ~= 'blocked' then return false end
  local says = say_of_parents(record)
  if says == 'cancel' then
    cancelled(record, 'parent failed')
    return true
  end
  if says == 'go' and (record.key == null or first_of_key(record) == id) then
    change(record, {state = state_when(record.due)})
  end
  return false
end

-- Let those look again that waited for jobs which have ended, and then who waited for those that end by it.
local function tell(ended)
  local at = 1
  while ended[at] do
    local record = ended[at]
    local children = redis.call('ZRANGE', key('children', record.id), 0, -1)
    children[#children + 1] = first_of_key(record)
    for _, id in ipairs(children) do
      if look_again(id) then ended[#ended + 1] = get(id) end
    end
    at = at + 1
  end
end

-- Put

local UNBORN = '[0,"blocked",0,0,0,0,0,0,null,false,false,false,0,0,0,null,null,null]'

local function is_conflict(first, conflict)
  return conflict.states[first.state] or (conflict.within ~= null and now < first.enqueued + conflict.within)
end

local function includes_ended(states)
  return states.succeeded or states.dead or states.cancelled
end

-- The first to arrive of those in conflict. Ended jobs are looked at only where they may be.
local function find_conflict(record, conflict)
  if conflict == null or record.unique_key == null then return nil end
  local ids, first = redis.call('ZRANGE', key('same', record.queue, record.unique_key), 0, -1), nil
  if includes_ended(conflict.states) or conflict.within ~= null then
    local since = includes_ended(conflict.states) and '-inf' or '(' .. literal(now - conflict.within)
    local past = redis.call('ZRANGEBYSCORE', key('past', record.queue, record.unique_key), since, '+inf')
    for _, id in ipairs(past) do ids[#ids + 1] = id end
  end
  for _, id in ipairs(ids) do
    local each = get(id)
    if is_conflict(each, conflict) and (not first or each.seq < first.seq) then first = each end
  end
  return first
end

local function put_again(first, payload, conflict)
  if conflict.on_conflict == 'raise' then refuse('duplicate', first.id) end
  if not WAITING[first.state] or not (conflict.on_conflict == 'replace' or conflict.debounce ~= null) then return end
  change(first, {payload = payload})
  if conflict.debounce == null or first.state == 'ready' then return end
  local due = now + conflict.debounce
  if conflict.max_wait ~= null then due = math.min(due, first.enqueued + conflict.max_wait) end
  change(first, {due = due, rank = due - first.head_start})
end

-- The `run` of a new job.
local function admitted(record, more)
  local delay = more.conflict ~= null and more.conflict.debounce ~= null and more.conflict.debounce or more.delay
  local due = more.at == null and now + delay or more.at
  local waits = #record.parents > 0 or first_of_key(record) ~= nil
  record.state = waits and 'blocked' or state_when(due)
  record.seq, record.due, record.rank, record.enqueued = next_seq(), due, math.max(now, due) - record.head_start, now
  return record
end

-- The job, and whether it is new.
local function put_one(fixed, payload, more)
  local record = record_of(fixed, UNBORN, payload)
  local first = find_conflict(record, more.conflict)
  if first then
    put_again(first, payload, more.conflict)
    return first, false
  end
  insert(admitted(record, more))
  for _, parent in ipairs(record.parents) do
    if not get(parent) then refuse('unknown', parent) end
  end
  if #record.parents > 0 then look_again(record.id) end
  return record, true
end

local function check_capacity(capacity, added)
  for queue, count_of_it in pairs(added) do
    local size = waiting(queue)
    if size > capacity then refuse('full', capacity, size - count_of_it) end
  end
end

-- Claim

-- GCRA, as in `lldkit.rate_limiter.gcra`: an instant is whole microseconds and ticks of the rate, `scale` to one.
local function passes(queue, group, rate)
  local us, ticks = now, 0
  local state = redis.call('HGET', key('rates', queue), group)
  if state then
    local tat_us, tat_ticks, scale, unit = unpack(cjson.decode(state))
    if tat_us >= now and (scale ~= rate.scale or unit ~= rate.unit) then -- what is owed stays as many units
      local owed = math.ceil(((tat_us - now) * scale + tat_ticks) * rate.unit / unit)
      us, ticks = now + math.floor(owed / rate.scale), owed % rate.scale
    elseif tat_us >= now then
      us, ticks = tat_us, tat_ticks
    end
  end
  ticks = ticks + rate.unit
  us, ticks = us + math.floor(ticks / rate.scale), ticks % rate.scale
  local reach_us, reach_ticks = now + math.floor(rate.capacity / rate.scale), rate.capacity % rate.scale
  if us > reach_us or (us == reach_us and ticks > reach_ticks) then return false end
  local after = list({literal(us), literal(ticks), literal(rate.scale), literal(rate.unit)})
  redis.call('HSET', key('rates', queue), group, after)
  return true
end

local function take_place(want, group)
  local limit = group ~= null and (want.limits[group] or want.group_limit) or null
  if limit == null then return true end
  local running = tonumber(redis.call('HGET', key('busy', want.queue), group) or 0)
  if limit.running ~= null and running >= limit.running then return false end
  return limit.rate == null or passes(want.queue, group, limit.rate)
end

-- Insert the first READY job of a group into `heads`, which are sorted by (rank, place). What is behind it is kept with
-- it, a few at once; all that is taken from there leaves READY, so that the next few begin at the front again.
local function add_head(heads, queue, group, behind)
  if #behind == 0 then behind = redis.call('ZREVRANGE', ready_key(queue, group), -PAGE, -1) end
  local first = table.remove(behind)
  if not first then
    if group ~= null then redis.call('SREM', key('groups', queue), group) end
    return
  end
  local record, at = get(id_of(first)), 1
  local head = {record = record, rank = record.rank, place = first, group = group, behind = behind}
  while heads[at] and (heads[at].rank < head.rank or (heads[at].rank == head.rank and heads[at].place < first)) do
    at = at + 1
  end
  table.insert(heads, at, head)
end

-- End the leases that nobody renewed. `ledger._take_back` says whom the blame meets.
local function take_back(queue)
  local lapsed = redis.call('ZRANGEBYSCORE', key('running', queue), '-inf', literal(now), 'LIMIT', 0, AT_ONCE)
  for _, its_place in ipairs(lapsed) do
    local record = get(id_of(its_place))
    local held = redis.call('SMEMBERS', key('held', record.worker))
    for _, id in ipairs(held) do
      if id ~= record.id and not get(id).beside then change(get(id), {beside = true}) end
    end
    lose(record, #held == 1 and not record.beside)
    if ENDED[record.state] then tell({record}) end
  end
end

local function promote(queue)
  local due = redis.call('ZRANGEBYSCORE', key('scheduled', queue), '-inf', literal(now), 'LIMIT', 0, AT_ONCE)
  for _, its_place in ipairs(due) do change(get(id_of(its_place)), {state = 'ready'}) end
end

local function lease(record, want)
  change(record, {
    state = 'running', fence = record.fence + 1, lease = now + want.lease, worker = want.worker, beside = false,
    started = now,
  })
  count(want.queue, 'claims', 1)
end

-- Lease who is next, and bury who is READY but too late. A suspect goes alone, to a worker that holds nothing.
local function pick(want)
  local heads, leases, too_late = {}, {}, {}
  add_head(heads, want.queue, null, {})
  for _, group in ipairs(redis.call('SMEMBERS', key('groups', want.queue))) do
    add_head(heads, want.queue, group, {})
  end
  for _ = 1, AT_ONCE do
    local head = table.remove(heads, 1)
    if not head then break end
    local record = head.record
    local has_expired = record.expires ~= null and now >= record.enqueued + record.expires
    if has_expired then
      finish(record, 'dead', 'expired')
      too_late[#too_late + 1] = record
    elseif record.suspect and (#leases > 0 or not want.idle) then
      break -- whoever holds something must finish that first, so nobody overtakes it here
    elseif take_place(want, record.group) then
      lease(record, want)
      leases[#leases + 1] = record
      if record.suspect or #leases == want.limit then break end
    else
      head = nil -- its group is full
    end
    if head then add_head(heads, want.queue, head.group, head.behind) end
  end
  return leases, too_late
end

local function texts_of(found)
  local texts = {}
  for at, record in ipairs(found) do texts[at] = text_of(record) end
  return list(texts)
end

-- Control

local function known(id)
  return get(id) or refuse('unknown', id)
end

-- Whether it had not ended yet.
local function cancel(record)
  local has_ended = ENDED[record.state]
  if WAITING[record.state] then
    cancelled(record)
    tell({record})
  elseif not has_ended then
    change(record, {cancelling = true})
  end
  return not has_ended
end

local function schedule_of(queue, name)
  local found = redis.call('HGET', key('schedules', queue), name)
  return found and cjson.decode(found)
end

local function set_schedule(queue, name, text, last, paused)
  local before = redis.call('HGET', key('schedules', queue), name)
  undo[#undo + 1] = function() redis.call('HSET', key('schedules', queue), name, before) end
  redis.call('HSET', key('schedules', queue), name, list({literal(text), literal(last), literal(paused)}))
end

local function is_needed(id)
  for _, child in ipairs(redis.call('ZRANGE', key('children', id), 0, -1)) do
    if WAITING[get(child).state] then return true end
  end
  return false
end

-- Forget the oldest of the jobs that ended so; those for whom children wait do not count.
local function prune(queue, state, most, oldest)
  local index, needed, pruned = key('ended', queue, state), 0, 0
  while needed + pruned < AT_ONCE do
    local first = redis.call('ZRANGE', index, needed, needed, 'WITHSCORES')
    local too_many = most ~= null and counted(queue, state) - needed > most
    if not first[1] or not (too_many or tonumber(first[2]) < oldest) then break end
    if is_needed(id_of(first[1])) then
      needed = needed + 1
    else
      remove(get(id_of(first[1])))
      pruned = pruned + 1
    end
  end
  return pruned
end

