import { script } from "./script.ts";

// An account is one hash, so that everything about it stands in one slot and changes in one step:
//   gen, run             generation in the lease book, and the life of the server in which it was counted
//   t:BUCKET             what all replicas hold of a bucket; a bucket without it is unknown, not empty
//   r:BUCKET:REPLICA     what one replica holds of it
//   op:REPLICA           its last operation and the answer, so that the same one has the same answer
// Lua counts in doubles: whole below 2^53, and written with %.0f, since its own way rounds from 1e14 on.

// A server that was restarted or promoted has a new replication id: what it knows may lack the last writes.
const LIFE = `
local function life()
  return string.match(redis.call('INFO', 'replication'), 'master_replid:(%x+)') or ''
end
`;

/**
 * Sets what a replica holds of a bucket to what it says, then gives it more where the limit allows.
 *
 * Keys: the account, its lock. Arguments: replica, number of the operation, generation, bucket, held, wanted, least,
 * limit, first bucket of the window, step between buckets, number of buckets (0: nothing is wanted), share of the rest
 * that one may take (1/n), time to live in milliseconds.
 *
 * Answers `ok, granted, left` · `stale`: the generation is over, ask the book again · `lost`: rebuild the account ·
 * `wait`: somebody rebuilds it · `late`: a later operation of the replica came before.
 */
export const DRAW = script(`${LIFE}
local key, replica, op, generation, bucket = KEYS[1], ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local held, wanted, least, limit = tonumber(ARGV[5]), tonumber(ARGV[6]), tonumber(ARGV[7]), tonumber(ARGV[8])
local first, step, count = tonumber(ARGV[9]), tonumber(ARGV[10]), tonumber(ARGV[11])
local function whole(number) return string.format('%.0f', number) end
local function lost()
  if wanted == 0 then return {'lost'} end
  if redis.call('SET', KEYS[2], replica, 'NX', 'PX', 500) then return {'lost'} end
  return {'wait'}
end

local known = redis.call('HMGET', key, 'gen', 'run', 'op:' .. replica)
local counted = tonumber(known[1] or '')
if not counted or known[2] ~= life() or counted < generation then return lost() end
if counted > generation then return {'stale'} end
if known[3] then
  local last, granted, left = string.match(known[3], '^(%d+) (%d+) (%d+)$')
  if tonumber(last) == op then return {'ok', tonumber(granted), tonumber(left)} end
  if tonumber(last) > op then return {'late'} end
end

-- Every window that a bucket is in must keep to the limit, those that end later as well.
local names = {'t:' .. whole(bucket)}
for index = 0, 2 * count - 2 do names[index + 2] = 't:' .. whole(first + index * step) end
local totals = redis.call('HMGET', key, unpack(names))
for index = 1, #names do
  if not totals[index] then return lost() end
  totals[index] = tonumber(totals[index])
end
local sum, fullest = 0, 0
for index = 0, 2 * count - 2 do
  sum = sum + totals[index + 2]
  if index >= count then sum = sum - totals[index - count + 2] end
  if index >= count - 1 and sum > fullest then fullest = sum end
end

local field = 'r:' .. whole(bucket) .. ':' .. replica
local change = held - tonumber(redis.call('HGET', key, field) or '0')
local room = limit - fullest - change
local granted = 0
if wanted > 0 and room >= least then
  granted = math.min(wanted, room, math.max(least, math.floor(room / tonumber(ARGV[12]))))
end
local left = math.max(0, room - granted)
redis.call('HSET', key, field, whole(held + granted), 't:' .. whole(bucket), whole(totals[1] + change + granted),
  'op:' .. replica, whole(op) .. ' ' .. whole(granted) .. ' ' .. whole(left))
redis.call('PEXPIRE', key, ARGV[13])
return {'ok', granted, left}
`);

/**
 * Counts an account anew from a reading of the lease book, unless a later one was counted.
 *
 * Keys: the account, its lock. Arguments: generation, name of the account, time to live in milliseconds, number of
 * buckets, the buckets in ascending order, then bucket, replica and net of each lease. Answers `ok`, or `late`.
 */
export const REBUILD = script(`${LIFE}
local key, generation, count = KEYS[1], tonumber(ARGV[1]), tonumber(ARGV[4])
local function whole(number) return string.format('%.0f', number) end
redis.call('DEL', KEYS[2])
local known = redis.call('HMGET', key, 'gen', 'run')
local counted, run = tonumber(known[1] or ''), life()
local isSameLife = counted and known[2] == run
if isSameLife and counted >= generation then return {'late'} end
-- Nobody else has begun a generation in between: what is counted is true, and only what is unknown is added.
local keeps = isSameLife and counted == generation - 1
if not keeps then redis.call('DEL', key) end

local sums = {}
for index = 5, 4 + count do
  if redis.call('HEXISTS', key, 't:' .. ARGV[index]) == 0 then sums[ARGV[index]] = 0 end
end
for index = 5 + count, #ARGV, 3 do
  local bucket, net = ARGV[index], tonumber(ARGV[index + 2])
  if sums[bucket] then
    sums[bucket] = sums[bucket] + net
    redis.call('HSET', key, 'r:' .. bucket .. ':' .. ARGV[index + 1], whole(net))
  end
end
for bucket, sum in pairs(sums) do redis.call('HSET', key, 't:' .. bucket, whole(sum)) end
redis.call('HSET', key, 'gen', whole(generation), 'run', run, 'account', ARGV[2])
redis.call('PEXPIRE', key, ARGV[3])

-- What came long before is no window's any more; should somebody ask for it, it is read from the book again.
local oldest, newest = tonumber(ARGV[5]), tonumber(ARGV[4 + count])
for _, field in ipairs(keeps and redis.call('HKEYS', key) or {}) do
  local bucket = tonumber(string.match(field, '^[tr]:(%d+)') or '')
  if bucket and bucket < 2 * oldest - newest then redis.call('HDEL', key, field) end
end
return {'ok'}
`);
