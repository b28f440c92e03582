-- GCRA (gcra.py says why). The state is 'us ticks scale unit': the theoretical arrival time, and the rate it counts in.

local function state_of(us, ticks, scale, unit)
  local state = string.format('%.0f %.0f %.0f %.0f', us, ticks, scale, unit)
  return state, ticks > 0 and us + 1 or us
end

local function decide(state, scale, unit, cost_us, cost_ticks, reach_us, reach_ticks)
  local us, ticks = now, 0
  if state then
    local tat_us, tat_ticks, old_scale, old_unit = parsed(state)
    if tat_us >= now then
      us, ticks = tat_us, tat_ticks
      if old_scale ~= scale or old_unit ~= unit then
        us, ticks = recounted(us - now, ticks, old_scale, old_unit, scale, unit)
        us = now + us
      end
    end
  end
  us, ticks = plus(us, ticks, cost_us, cost_ticks, scale)
  if exceeds(us, ticks, now + reach_us, reach_ticks) then return nil end
  return state_of(us, ticks, scale, unit)
end

local function undo(state, scale, unit, ...)
  if not state then return nil end
  local us, ticks, old_scale, old_unit = parsed(state)
  if old_scale ~= scale or old_unit ~= unit then return nil end
  local back_us, back_ticks = given_back(us, ticks, scale, ...)
  if not back_us then return nil end
  us, ticks = minus(us, ticks, back_us, back_ticks, scale)
  return state_of(us, ticks, scale, unit)
end

return carry_out(decide, undo)
