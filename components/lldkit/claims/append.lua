-- Compare and append. KEYS: head (the last number), log (a hash: number -> record), snapshot (a hash: seq, floor, body).
-- ARGV: the expected head, the last microsecond at which this may happen, the records. Answer: 1, or 0 if not.
local time = redis.call('TIME')
if time[1] * 1000000 + time[2] > tonumber(ARGV[2]) then return 0 end
local head = tonumber(redis.call('GET', KEYS[1]) or 0)
if head ~= tonumber(ARGV[1]) then return 0 end
for i = 3, #ARGV do redis.call('HSET', KEYS[2], head + i - 2, ARGV[i]) end
redis.call('SET', KEYS[1], head + #ARGV - 2)
return 1
