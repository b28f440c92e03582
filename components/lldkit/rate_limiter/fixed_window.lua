-- Fixed window (fixed_window.py says why). The state is 'window used limit period': the first free position, as a
-- window and the units used in it, which are fewer than the limit, and the rate it counts in.

local function state_of(window, used, limit, period)
  local state = string.format('%.0f %.0f %.0f %.0f', window, used, limit, period)
  return state, (used > 0 and window + 1 or window) * period
end

-- The first free position at `now`; after a change of the quota as many units are taken as before.
local function first_free(state, limit, period)
  local current = floor(now / period)
  if not state then return current, 0 end
  local window, used, old_limit, old_period = parsed(state)
  if old_limit ~= limit or old_period ~= period then
    local ahead = window - floor(now / old_period)
    if ahead < 0 then return current, 0 end
    local windows, units = multiplied(ahead, old_limit, limit)
    window, used = current + windows + floor((units + used) / limit), (units + used) % limit
  end
  if window < current then return current, 0 end
  return window, used
end

local function decide(state, limit, period, cost, max_delay)
  local window, used = first_free(state, limit, period)
  if used + cost > limit then window, used = window + 1, 0 end
  if cost > limit or window * period - now > max_delay then return nil end
  window, used = plus(window, used, 0, cost, limit)
  return state_of(window, used, limit, period)
end

local function undo(state, limit, period, cost, promised_window, promised_used)
  if not state then return nil end
  local window, used, old_limit, old_period = parsed(state)
  if old_limit ~= limit or old_period ~= period then return nil end
  -- The last position taken lies in the window before, when a window is all free.
  if used == 0 then window, used = window - 1, limit end
  if promised_used == 0 then promised_window, promised_used = promised_window - 1, limit end
  local back = cost - math.max(0, used - promised_used) -- less than promised when later promises were cancelled
  if promised_window * period <= now or promised_window ~= window or back <= 0 then return nil end
  used = used - back
  return state_of(window + floor(used / limit), used % limit, limit, period)
end

return carry_out(decide, undo)
