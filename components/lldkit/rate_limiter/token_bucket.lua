-- Token bucket (token_bucket.py says why). The state is 'us ticks counted_at scale unit': what is missing from a full
-- bucket, as the time in which it drips in, the microsecond when that was counted, and the rate it counts in.

local function state_of(us, ticks, counted_at, scale, unit)
  local state = string.format('%.0f %.0f %.0f %.0f %.0f', us, ticks, counted_at, scale, unit)
  return state, counted_at + us + (ticks > 0 and 1 or 0)
end

local function decide(state, scale, unit, cost_us, cost_ticks, reach_us, reach_ticks)
  local us, ticks = 0, 0
  if state then
    local missing_us, missing_ticks, counted_at, old_scale, old_unit = parsed(state)
    missing_us = missing_us - (now - counted_at)
    if missing_us >= 0 then
      us, ticks = missing_us, missing_ticks
      if old_scale ~= scale or old_unit ~= unit then
        us, ticks = recounted(us, ticks, old_scale, old_unit, scale, unit)
      end
    end
  end
  us, ticks = plus(us, ticks, cost_us, cost_ticks, scale)
  if exceeds(us, ticks, reach_us, reach_ticks) then return nil end
  return state_of(us, ticks, now, scale, unit)
end

local function undo(state, scale, unit, ...)
  if not state then return nil end
  local us, ticks, counted_at, old_scale, old_unit = parsed(state)
  if old_scale ~= scale or old_unit ~= unit then return nil end
  local back_us, back_ticks = given_back(counted_at + us, ticks, scale, ...)
  if not back_us then return nil end
  us, ticks = minus(us, ticks, back_us, back_ticks, scale)
  return state_of(us, ticks, counted_at, scale, unit)
end

return carry_out(decide, undo)
