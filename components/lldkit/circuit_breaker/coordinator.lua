-- One breaker of a fleet: a hash {state, version, until, round, successes, failures} and a sorted set of probe leases.
-- KEYS: hash, leases. ARGV: verb, then what the verb needs. Times are the server's, in whole microseconds.
-- Answer: {granted or counted (0/1), state (0 none, 1 closed, 2 open, 3 half-open), version, microseconds until the
-- opening ends, round, successes, failures, microseconds until the first lease ends (-1: none)}.
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local hash, leases = KEYS[1], KEYS[2]
local verb = ARGV[1]

local function field(name) return tonumber(redis.call('HGET', hash, name) or 0) end

-- A round of probes begins with the first lease that is asked for after the opening.
local function begin_round()
  redis.call('HSET', hash, 'state', 3, 'successes', 0, 'failures', 0)
  redis.call('HINCRBY', hash, 'version', 1)
  redis.call('DEL', leases)
end

redis.call('ZREMRANGEBYSCORE', leases, '-inf', now)
local done = 0

if verb == 'propose' then  -- seen, state, open microseconds, round, keep milliseconds
  if field('version') == tonumber(ARGV[2]) then
    local ends = string.format('%.0f', now + ARGV[4])
    redis.call('HSET', hash, 'state', ARGV[3], 'until', ends, 'round', ARGV[5], 'successes', 0, 'failures', 0)
    redis.call('HINCRBY', hash, 'version', 1)
    redis.call('DEL', leases)
    redis.call('PEXPIRE', hash, ARGV[6])
    done = 1
  end
elseif verb == 'lease' then  -- limit, microseconds, token
  if field('state') == 2 and now >= field('until') then begin_round() end
  if field('state') == 3 and redis.call('ZCARD', leases) + field('successes') < tonumber(ARGV[2]) then
    redis.call('ZADD', leases, string.format('%.0f', now + ARGV[3]), ARGV[4])
    redis.call('PEXPIRE', leases, math.ceil(ARGV[3] / 1000) + 1000)
    done = 1
  end
elseif verb == 'release' then  -- token, outcome
  done = redis.call('ZREM', leases, ARGV[2])
  if done == 1 and ARGV[3] ~= 'ignored' then
    redis.call('HINCRBY', hash, ARGV[3] == 'success' and 'successes' or 'failures', 1)
  end
end

local first = redis.call('ZRANGE', leases, 0, 0, 'WITHSCORES')
local free = first[2] and math.max(0, first[2] - now) or -1
return {done, field('state'), field('version'), math.max(0, field('until') - now), field('round'),
  field('successes'), field('failures'), free}
