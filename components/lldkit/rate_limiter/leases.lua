-- Leases (leasing.py says the rules): a sorted set of tokens by their expiry in microseconds.
--
-- ARGV: the verb, the caller's microseconds or '' to go by this server's, the token, the limit, the term.

local key, verb, token, limit = KEYS[1], ARGV[1], ARGV[3], tonumber(ARGV[4])
local now, goes_by_caller = tonumber(ARGV[2]), ARGV[2] ~= ''
if not goes_by_caller then
  local time = redis.call('TIME')
  now = time[1] * 1000000 + time[2]
end

-- Scores are doubles; microseconds of the epoch and a term of at most 2^50 are exact in them.
local function expiry_of(rank)
  return tonumber(redis.call('ZRANGE', key, rank, rank, 'WITHSCORES')[2])
end

local function keep()
  redis.call('ZADD', key, string.format('%.0f', now + ARGV[5]), token)
  if goes_by_caller then return end
  redis.call('PEXPIREAT', key, string.format('%.0f', math.ceil(expiry_of(-1) / 1000)))
end

if verb == 'release' then return redis.call('ZREM', key, token) end
redis.call('ZREMRANGEBYSCORE', key, '-inf', string.format('%.0f', now))
if verb == 'renew' then
  if not redis.call('ZSCORE', key, token) then return 0 end
  keep()
  return 1
end
local held = redis.call('ZCARD', key)
if held < limit then
  keep()
  return {1, redis.call('ZCARD', key), 0}
end
return {0, held, expiry_of(held - limit) - now}
