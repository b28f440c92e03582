-- Compare and append. KEYS: head (the last number), log (a hash: number -> record), snapshot (a hash: seq, floor, body).
-- ARGV: the expected head, since and before which microsecond this may happen, the records. Answer: 1, or 0 if not.
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
if now < tonumber(ARGV[2]) or now >= tonumber(ARGV[3]) then return 0 end
local head = tonumber(redis.call('GET', KEYS[1]) or 0)
if head ~= tonumber(ARGV[1]) then return 0 end
for i = 4, #ARGV do redis.call('HSET', KEYS[2], head + i - 3, ARGV[i]) end
redis.call('SET', KEYS[1], head + #ARGV - 3)
return 1
