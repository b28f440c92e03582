-- One cached value: a string with its expiry, and the lease of who loads it while it is missing.
-- KEYS: value, lease. ARGV: verb, then what the verb needs; milliseconds of 0 mean for ever.
-- A lease is taken away by whatever changes the value, so a fill that began before a change finds its lease gone.
local value, lease = KEYS[1], KEYS[2]
local verb = ARGV[1]

local function set(data, milliseconds)
  redis.call('DEL', lease)
  if milliseconds == '0' then
    redis.call('SET', value, data)
  else
    redis.call('SET', value, data, 'PX', milliseconds)
  end
  return 1
end

if verb == 'read' then  -- token or '', milliseconds of the lease; answers {found, lease granted, PTTL, data}
  local data = redis.call('GET', value)
  if data then return {1, 0, redis.call('PTTL', value), data} end
  if ARGV[2] ~= '' and redis.call('SET', lease, ARGV[2], 'NX', 'PX', ARGV[3]) then return {0, 1, 0, ''} end
  return {0, 0, 0, ''}
elseif verb == 'claim' then  -- token, milliseconds of the lease
  redis.call('SET', lease, ARGV[2], 'PX', ARGV[3])
  return 1
elseif verb == 'fill' then  -- token, data, milliseconds; answers whether the lease still stood
  if redis.call('GET', lease) ~= ARGV[2] then return 0 end
  return set(ARGV[3], ARGV[4])
elseif verb == 'release' then  -- token
  if redis.call('GET', lease) ~= ARGV[2] then return 0 end
  return redis.call('DEL', lease)
elseif verb == 'put' then  -- data, milliseconds
  return set(ARGV[2], ARGV[3])
elseif verb == 'drop' then  -- data; removes the value if it still is that
  if redis.call('GET', value) ~= ARGV[2] then return 0 end
  return redis.call('DEL', value)
elseif verb == 'invalidate' then
  redis.call('DEL', lease)
  return redis.call('DEL', value)
end
return redis.error_reply('unknown verb ' .. verb)
