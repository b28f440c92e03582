-- What stands behind a record. KEYS as in append.lua. ARGV: the number of the record.
-- Answer: seconds and microseconds, then 0 or the number of the snapshot and its text, then the records behind it.
local time = redis.call('TIME')
local after = tonumber(ARGV[1])
local head = tonumber(redis.call('GET', KEYS[1]) or 0)
local answer = {tonumber(time[1]), tonumber(time[2]), 0, ''}
if after < tonumber(redis.call('HGET', KEYS[3], 'floor') or 0) then
  answer[3] = tonumber(redis.call('HGET', KEYS[3], 'seq'))
  answer[4] = redis.call('HGET', KEYS[3], 'body')
  after = answer[3]
end
for seq = after + 1, head do answer[#answer + 1] = redis.call('HGET', KEYS[2], seq) end
return answer
