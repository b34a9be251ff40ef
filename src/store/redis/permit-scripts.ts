import { script } from "./script.ts";

// Only the server's own clock is asked, and it never goes back within an account: replicas need no common time.
const NOW = `
local function whole(number) return string.format('%.0f', number) end
local function clock(last)
  local time = redis.call('TIME')
  return math.max(tonumber(last or '0') or 0, tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000))
end
local function grant(room, wanted, least, share)
  if wanted == 0 or room < least then return 0 end
  return math.min(wanted, room, math.max(least, math.floor(room / share)))
end
`;

/**
 * Draws permits of a window. The account is one hash: SLOT -> count, and the time of the last draw. A permit drawn in a
 * slot may be used until the slot's end and its validity later, and counts until the window after that is over: hence no
 * window, wherever it begins, has more than the limit.
 *
 * Keys: the account. Arguments: limit, window, length of a slot, validity, wanted, least, share of the rest that one may
 * take (1/n), permits that were used without asking. Times in milliseconds. Answers granted, slot, left, milliseconds
 * until the least may be granted.
 */
export const DRAW_WINDOW = script(`${NOW}
local key, limit, window, length, valid = KEYS[1], tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local wanted, least, unasked = tonumber(ARGV[5]), tonumber(ARGV[6]), tonumber(ARGV[8])
local all = redis.call('HGETALL', key)
local slots, last = {}, nil
for index = 1, #all, 2 do
  if all[index] == 'last' then last = all[index + 1]
  else slots[#slots + 1] = {tonumber(all[index]), tonumber(all[index + 1])} end
end
local now = clock(last)
local used, live = unasked, {}
for _, slot in ipairs(slots) do
  local untilMs = (slot[1] + 1) * length + valid + window
  if untilMs <= now then redis.call('HDEL', key, whole(slot[1]))
  elseif slot[2] > 0 then
    used = used + slot[2]
    live[#live + 1] = {untilMs, slot[2]}
  end
end
local current = math.floor(now / length)
local room = limit - used
local granted = grant(room, wanted, least, tonumber(ARGV[7]))
if granted + unasked > 0 then redis.call('HINCRBY', key, whole(current), whole(granted + unasked)) end
redis.call('HSET', key, 'last', whole(now))
redis.call('PEXPIRE', key, whole(2 * (window + length + valid)))

local retry = 0
if granted == 0 then
  retry = window
  table.sort(live, function(one, other) return one[1] < other[1] end)
  local free = room
  for _, slot in ipairs(live) do
    free = free + slot[2]
    if free >= least then
      retry = slot[1] - now
      break
    end
  end
end
return {granted, current, math.max(0, room - granted), retry}
`);

/** Puts permits back into their slot. Keys: the account. Arguments: slot, count. */
export const RETURN_WINDOW = script(`
local count = tonumber(redis.call('HGET', KEYS[1], ARGV[1]) or '0')
local back = math.min(count, tonumber(ARGV[2]))
if back > 0 then redis.call('HINCRBY', KEYS[1], ARGV[1], -back) end
return {back}
`);

/**
 * Sets how many permits of those at once a replica holds, then gives it more. The account is one hash:
 * REPLICA -> "COUNT OPERATION UNTIL"; a replica that says nothing until then holds none.
 *
 * Keys: the account. Arguments: replica, number of the operation, held, wanted, least, limit, share (1/n), milliseconds
 * for which it counts. Answers granted, left; granted is -1 where a later operation of the replica came before.
 */
export const DRAW_CONCURRENT = script(`${NOW}
local key, replica, op, held = KEYS[1], ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local wanted, least, limit = tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6])
local now = clock()
local all = redis.call('HGETALL', key)
local others = 0
for index = 1, #all, 2 do
  local count, last, untilMs = string.match(all[index + 1], '^(%d+) (%d+) (%d+)$')
  if all[index] == replica then
    if tonumber(last) >= op then return {-1, 0} end
  elseif tonumber(untilMs) <= now then redis.call('HDEL', key, all[index])
  else others = others + tonumber(count) end
end
local room = limit - others - held
local granted = grant(room, wanted, least, tonumber(ARGV[7]))
redis.call('HSET', key, replica, whole(held + granted) .. ' ' .. whole(op) .. ' ' .. whole(now + tonumber(ARGV[8])))
redis.call('PEXPIRE', key, whole(10 * tonumber(ARGV[8])))
return {granted, math.max(0, room - granted)}
`);
