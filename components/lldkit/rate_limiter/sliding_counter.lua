-- Sliding counter (sliding_counter.py says why). The state is 'window previous current period': the units of the
-- previous window and of this one, and the period they were counted in.

-- What the previous window's units still weigh while `left` microseconds of their period count, rounded up.
local function weight(previous, left, period)
  local units, rest = multiplied(previous, left, period)
  return rest > 0 and units + 1 or units
end

local function rolled(state, period)
  local window = floor(now / period)
  if not state then return window, 0, 0 end
  local counted_in, previous, current, counted_period = parsed(state)
  if counted_period ~= period then -- the quota has changed: what the estimate owed counts in full in the new window
    local old_window, old_previous, old_current = rolled(state, counted_period)
    local left = (old_window + 1) * counted_period - now
    return window, 0, old_current + weight(old_previous, left, counted_period)
  end
  if window <= counted_in then return counted_in, previous, current end
  return window, window == counted_in + 1 and current or 0, 0
end

local function decide(state, limit, period, cost)
  local window, previous, current = rolled(state, period)
  local left = (window + 1) * period - now
  if weight(previous, left, period) + current + cost > limit then return nil end
  local after = string.format('%.0f %.0f %.0f %.0f', window, previous, current + cost, period)
  return after, (window + 2) * period
end

local function undo() -- no promise was ever made
  return nil
end

return carry_out(decide, undo)
