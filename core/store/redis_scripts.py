"""What the server of the shared store runs by itself: scripts in Lua, each of which it runs whole or not at all.

Time is the server's, so that no machine's clock matters. Numbers that must never come again, not even when all that
the server knew is gone, begin at its time in microseconds: nothing is counted that fast. A key of another type counts
as missing and is replaced. Keys of mailings are made in the scripts, which a cluster would not allow.
"""

from __future__ import annotations

from hashlib import sha1
from typing import NamedTuple

_WORDS = """
local function is_hash(key)
  return redis.call('TYPE', key).ok == 'hash'
end
local function make_room(key)
  -- Only where it must be: a script that has changed anything may go on in a server that is full.
  if not is_hash(key) and redis.call('EXISTS', key) == 1 then redis.call('DEL', key) end
end
local function fields_of(key)
  return is_hash(key) and redis.call('HKEYS', key) or {}
end
local function microseconds()
  local time = redis.call('TIME')
  return time[1] * 1000000 + time[2]
end
local function text(number)
  return string.format('%.0f', number)
end
local function number_in(key, name)
  return is_hash(key) and tonumber(redis.call('HGET', key, name) or '') or nil
end
local function newest_of(mailings)
  local newest = '0000-00-00'
  for _, day in ipairs(fields_of(mailings)) do
    if day > newest and day:match('^%d%d%d%d%-%d%d%-%d%d$') then newest = day end
  end
  return newest > '0000-00-00' and newest or ''
end
"""


class Script(NamedTuple):
    """One script, and the hash under which a server knows it once it has run it."""

    lua: str
    sha: str


def _script(lua: str) -> Script:
    return Script(_WORDS + lua, sha1((_WORDS + lua).encode(), usedforsecurity=False).hexdigest())


# The state of the data where it was lost while the data were not: a number that nobody has seen, the newest mailing.
# KEYS: revision, mailings.
RESTORE_REVISION = _script("""
if number_in(KEYS[1], 'number') == nil and is_hash(KEYS[2]) then
  local number = text(microseconds())
  local newest = newest_of(KEYS[2])
  make_room(KEYS[1])
  redis.pcall('HSET', KEYS[1], 'number', number, 'newest_mailing', newest, 'checks', number, 'papers', number)
  return {number, false, newest, number, number}
end
if not is_hash(KEYS[1]) then return {false, false, false, false, false} end
return redis.call('HMGET', KEYS[1], 'number', 'changed_at', 'newest_mailing', 'checks', 'papers')
""")

# The list of mailings where it was lost while they were not, from what each of them says of itself.
# KEYS: mailings. ARGV: the prefix of a mailing's key, the mailings.
RESTORE_MAILINGS = _script("""
make_room(KEYS[1])
for i = 2, #ARGV do
  local key = ARGV[1] .. ARGV[i]
  if is_hash(key) then redis.call('HSETNX', KEYS[1], ARGV[i], redis.call('HGET', key, '') or '') end
end
""")

# The mailings of which anything is there. KEYS: mailings. ARGV: the prefix of a mailing's key.
FIND_MAILINGS = _script("""
local found = {}
for _, day in ipairs(fields_of(KEYS[1])) do
  if is_hash(ARGV[1] .. day) then found[#found + 1] = day end
end
return found
""")

# Mailing, id and record, one after the other, of all that is stored of some ids.
# KEYS: mailings. ARGV: the prefix of a mailing's key, the ids.
FIND_PAPERS = _script("""
local found = {}
for _, day in ipairs(fields_of(KEYS[1])) do
  local key = ARGV[1] .. day
  if is_hash(key) then
    for place, record in ipairs(redis.call('HMGET', key, unpack(ARGV, 2))) do
      if record then
        found[#found + 1] = day
        found[#found + 1] = ARGV[place + 1]
        found[#found + 1] = record
      end
    end
  end
end
return found
""")

# What is staged becomes visible, in one step with all that goes with it; says what became of it.
# KEYS: revision, mailings, refreshes, staged, lease, the state of summarising.
# ARGV: the revision it is based on; holder and fence of the lease, both empty without one; the moment of the change;
# 2 where lists change, 1 where other data do; 1 where anything changes; 1 where a list of mailings was there; the
# number of staged fields; the prefixes of a mailing's and of a summary's key; the milliseconds that they last; the day
# before which a check is forgotten; the state of summarising, empty where it stays; then three lists, each after its
# length: mailings with their categories, mailings that are over, refreshes and their state.
APPLY = _script("""
local revision, mailings, refreshes, staged, lease, summarising = unpack(KEYS)
local based_on, holder, fence, now, has_data, has_any, had_mailings, staged_fields = unpack(ARGV, 1, 8)
local prefix, of_summary, lasts, forgotten, state = unpack(ARGV, 9, 13)
local place = 13
local function following()
  place = place + 1
  return ARGV[place]
end

local function give_up(because)
  redis.call('DEL', staged)
  return because
end
-- The same again: the answer to the first time was lost on its way.
if is_hash(revision) and redis.call('HGET', revision, 'applied') == staged then return 'done' end
if fence ~= '' then
  local held = is_hash(lease) and redis.call('HMGET', lease, 'holder', 'fence') or {}
  if held[1] ~= holder or held[2] ~= fence then return give_up('lost lease') end
end
if (number_in(revision, 'number') or 0) ~= tonumber(based_on) then return give_up('stale') end
local fields = is_hash(staged) and redis.call('HGETALL', staged) or {}
if #fields ~= 2 * tonumber(staged_fields) then return give_up('lost basis') end
if had_mailings == '1' and not is_hash(mailings) then return give_up('lost basis') end

make_room(mailings)
for _ = 1, tonumber(following()) do
  local day, categories = following(), following()
  local key = prefix .. day
  make_room(key)
  redis.call('HSET', key, '', categories)
  redis.call('PEXPIRE', key, lasts)
  redis.call('HSET', mailings, day, categories)
end
for i = 1, #fields, 2 do
  local key, id = prefix .. fields[i]:sub(2, 11), fields[i]:sub(12)
  if fields[i]:sub(1, 1) == '*' then
    redis.call('SET', of_summary .. fields[i]:sub(2), fields[i + 1], 'PX', lasts)
  elseif fields[i]:sub(1, 1) == '+' then
    -- Word counts do not bring a mailing back that the server has let go.
    if id:sub(1, 1) ~= '~' or is_hash(key) then redis.call('HSET', key, id, fields[i + 1]) end
  elseif is_hash(key) then
    redis.call('HDEL', key, id)
  end
end
for _ = 1, tonumber(following()) do
  local day = following()
  redis.call('DEL', prefix .. day)
  redis.call('HDEL', mailings, day)
end

make_room(refreshes)
for _ = 1, tonumber(following()) do
  redis.call('HSET', refreshes, following(), following())
end
local kept = redis.call('HGETALL', refreshes)
for i = 1, #kept, 2 do
  if kept[i + 1]:sub(1, 10) < forgotten then redis.call('HDEL', refreshes, kept[i]) end
end

if state ~= '' then redis.call('SET', summarising, state) end

make_room(revision)
local function raise(name)
  local raised = text((number_in(revision, name) or microseconds()) + 1)
  redis.call('HSET', revision, name, raised)
  return raised
end
if has_data ~= '0' then
  local number = raise('number')
  if has_data == '2' then redis.call('HSET', revision, 'papers', number) end
  redis.call('HSET', revision, 'changed_at', now, 'newest_mailing', newest_of(mailings))
end
if has_any == '1' then raise('checks') end
redis.call('HSET', revision, 'applied', staged)
if staged_fields ~= '0' then redis.call('DEL', staged) end
return 'done'
""")

# The fence of a lease that is now the holder's; nothing where it is not.
# KEYS: lease. ARGV: holder; now, empty for the server's time; how long it is taken; the pause where it was forgotten;
# the longest that one can be taken; how long the key lasts: all in milliseconds; what no other call has.
TAKE_LEASE = _script("""
local holder, now, lasts, pause, longest, kept, call = unpack(ARGV)
now = tonumber(now) or math.floor(microseconds() / 1000)
make_room(KEYS[1])
local function write(holder, fence, free_at)
  redis.call('HSET', KEYS[1], 'holder', holder, 'fence', text(fence), 'free_at', text(free_at))
  redis.call('PEXPIRE', KEYS[1], kept)
end
local fence, free_at = number_in(KEYS[1], 'fence'), number_in(KEYS[1], 'free_at')
if fence == nil or free_at == nil then
  fence, free_at = microseconds(), now
  if tonumber(pause) > 0 then
    write('', fence, now + pause)
    return false
  end
end
if now < free_at and free_at <= now + longest then
  -- The same again: the answer to the first time was lost on its way.
  return redis.call('HGET', KEYS[1], 'call') == call and text(fence) or false
end
write(holder, fence + 1, now + lasts)
redis.call('HSET', KEYS[1], 'call', call)
return text(fence + 1)
""")

# Whether a lease is still held, and then it ends so many milliseconds from now, under another holder or the same.
# KEYS: lease. ARGV: holder, fence, the holder from now on; now, empty for the server's time; the milliseconds; how long
# the key lasts.
KEEP_LEASE = _script("""
local holder, fence, after, now, lasts, kept = unpack(ARGV)
local held = is_hash(KEYS[1]) and redis.call('HMGET', KEYS[1], 'holder', 'fence') or {}
if held[1] ~= holder or held[2] ~= fence then return 0 end
now = tonumber(now) or math.floor(microseconds() / 1000)
redis.call('HSET', KEYS[1], 'holder', after, 'free_at', text(now + lasts))
redis.call('PEXPIRE', KEYS[1], kept)
return 1
""")
