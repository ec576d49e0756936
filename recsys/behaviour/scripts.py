"""What Redis does in one step with the histories kept in it (`recent`), in Lua."""

# Keys come in threes: deeds, writing, lease.
BEGIN = """
for i = 1, #KEYS, 3 do
  redis.call('INCR', KEYS[i + 1])
  redis.call('EXPIRE', KEYS[i + 1], ARGV[1])
  redis.call('EXPIRE', KEYS[i], ARGV[2])
  redis.call('DEL', KEYS[i + 2])
end
"""
LAND = """
local writing_s, guarded_s, kept_s = ARGV[1], ARGV[2], ARGV[3]
local trim, newest, most = tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6])
local function cut(key)
  local whole = redis.call('GET', key)
  local _, lines = string.gsub(whole, '\\n', '')
  local extra = (lines - 1) - 3 * newest
  if extra <= 0 then return end
  local head = string.find(whole, '\\n', 1, true)
  local rows, last, kept = {}, {}, {}
  local from = head + 1
  local deed = '(([^\\n]*)\\n([^\\n]*)\\n[^\\n]*\\n)()'
  for row, id, kind, after in string.gmatch(string.sub(whole, from), deed) do
    if #rows == extra / 3 then break end
    rows[#rows + 1] = row
    from = head + after
    if kind == 'p' or kind == 'd' then last[kind .. id] = #rows end
  end
  for n, row in ipairs(rows) do
    local id, kind = string.match(row, '([^\\n]*)\\n([^\\n]*)')
    if last[kind .. id] == n then kept[#kept + 1] = row end
  end
  local lasting = table.concat(kept, '', math.max(1, #kept - most + 1))
  redis.call('SET', key, string.sub(whole, 1, head) .. lasting .. string.sub(whole, from))
end
local at = 7
for i = 1, #KEYS, 3 do
  local deeds, writing, lease = KEYS[i], KEYS[i + 1], KEYS[i + 2]
  local how, first, rows = ARGV[at], tonumber(ARGV[at + 1]), ARGV[at + 2]
  at = at + 3
  local marked = redis.call('EXISTS', writing) == 1
  local left = marked and redis.call('DECR', writing) or 0
  redis.call('DEL', lease)
  if how == 'drop' or not marked then
    redis.call('DEL', deeds)
  elseif how ~= 'leave' then
    local tail = redis.call('GETRANGE', deeds, -32, -1)
    if tail ~= '' then
      local last = tonumber(string.match(tail, '([^\\n]*)\\n$'))
      if last == nil or last < first then
        if redis.call('APPEND', deeds, rows) > trim then cut(deeds) end
      elseif how == 'append' then
        redis.call('DEL', deeds)
      end
    end
  end
  redis.call('EXPIRE', deeds, left > 0 and guarded_s or kept_s)
  if left > 0 then redis.call('EXPIRE', writing, writing_s) else redis.call('DEL', writing) end
end
"""
LEASE = """
if redis.call('EXISTS', KEYS[2]) == 1 then return 0 end
redis.call('SET', KEYS[3], ARGV[1], 'EX', ARGV[2])
return 1
"""
KEEP = """
if redis.call('GET', KEYS[3]) ~= ARGV[1] or redis.call('EXISTS', KEYS[2]) == 1 then return 0 end
redis.call('SET', KEYS[1], ARGV[2], 'EX', ARGV[3])
redis.call('DEL', KEYS[3])
return 1
"""
GREET = """
if redis.call('GET', KEYS[1]) == ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[1])
for i = 2, #KEYS do redis.call('SET', KEYS[i], ARGV[2]) end
return 1
"""
