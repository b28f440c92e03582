-- Keep a snapshot. KEYS as in append.lua. ARGV: its number, its text, how many records before it stay.
local seq, floor = tonumber(ARGV[1]), tonumber(redis.call('HGET', KEYS[3], 'floor') or 0)
if seq <= tonumber(redis.call('HGET', KEYS[3], 'seq') or 0) then return 0 end
local keep = math.max(floor, seq - tonumber(ARGV[3]))
for each = floor + 1, keep do redis.call('HDEL', KEYS[2], each) end
redis.call('HSET', KEYS[3], 'seq', seq, 'floor', keep, 'body', ARGV[2])
return 1
