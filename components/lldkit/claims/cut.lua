-- Drop the last record, which was not written whole. KEYS as in append.lua. ARGV: its number.
if tonumber(redis.call('GET', KEYS[1]) or 0) ~= tonumber(ARGV[1]) then return 0 end
redis.call('HDEL', KEYS[2], ARGV[1])
redis.call('DECR', KEYS[1])
return 1
