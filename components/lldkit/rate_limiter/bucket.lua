-- What `gcra` and `token_bucket` share: a debt, in (microseconds, ticks) of the quota's rate.

-- A debt counted in an old rate, in the ticks of the new one and rounded up: it stays the same number of units.
local function recounted(us, ticks, old_scale, old_unit, scale, unit)
  local per_tick = floor(unit / old_unit)
  local bases = {math.huge, scale, old_unit}
  local one_tick = {floor(per_tick / scale), per_tick % scale, unit % old_unit}
  local debt = sum(times(us, times(old_scale, one_tick, bases), bases), times(ticks, one_tick, bases), bases)
  if debt[3] > 0 then return plus(debt[1], debt[2], 0, 1, scale) end
  return debt[1], debt[2]
end

-- What of a promise is to be given back at `now`: its cost minus what was promised after it; nothing once it acts.
-- `us` and `ticks` say when the bucket is full again, `full_us` and `full_ticks` when it was to be after the promise.
local function given_back(us, ticks, scale, cost_us, cost_ticks, reach_us, reach_ticks, full_us, full_ticks)
  if not exceeds(full_us, full_ticks, now + reach_us, reach_ticks) then return nil end
  local later_us, later_ticks = minus(us, ticks, full_us, full_ticks, scale)
  if later_us < 0 then later_us, later_ticks = 0, 0 end -- later promises were cancelled
  local back_us, back_ticks = minus(cost_us, cost_ticks, later_us, later_ticks, scale)
  if exceeds(back_us, back_ticks, 0, 0) then return back_us, back_ticks end
  return nil
end
