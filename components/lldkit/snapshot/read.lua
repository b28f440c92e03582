-- KEYS as in publish.lua. ARGV: the highest number asked for (0: the newest), and how many from there downwards.
-- Answer: {newest, how many are kept, origin, number, record, number, record, ...}, newest first.
local head = redis.call('HMGET', KEYS[1], 'version', 'origin')
local newest = tonumber(head[1] or 0)
local answer = {newest, redis.call('HLEN', KEYS[2]), head[2] or ''}
local from = tonumber(ARGV[1])
if from == 0 then from = newest end
for version = from, math.max(1, from - tonumber(ARGV[2]) + 1), -1 do
  local record = redis.call('HGET', KEYS[2], version)
  if not record then break end
  table.insert(answer, version)
  table.insert(answer, record)
end
return answer
