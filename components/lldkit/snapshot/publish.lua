-- Compare and set: KEYS head (a hash: origin, version), versions (a hash: number -> record).
-- ARGV: the expected version, an origin in case there is none yet, the record, the history limit, the channel.
-- Answer: {1, origin} when it was published, else {0, the newest version}.
local newest = tonumber(redis.call('HGET', KEYS[1], 'version') or 0)
if newest ~= tonumber(ARGV[1]) then return {0, newest} end
redis.call('HSETNX', KEYS[1], 'origin', ARGV[2])
local version = redis.call('HINCRBY', KEYS[1], 'version', 1)
redis.call('HSET', KEYS[2], version, ARGV[3])
redis.call('HDEL', KEYS[2], version - tonumber(ARGV[4]))
redis.call('PUBLISH', ARGV[5], version)
return {1, redis.call('HGET', KEYS[1], 'origin')}
