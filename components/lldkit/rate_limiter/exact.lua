-- Whole numbers that stay whole: the head of every script of the rate limiter.
--
-- A Lua number is a double, and a whole number is exact in it below 2^53 only; microseconds of the epoch leave two bits.
-- So an instant is two digits, (whole microseconds, ticks below `scale`), and no product of two such numbers is formed:
--
-- * `plus` and `minus` handle digits below their base, so that no sum reaches twice the base. The store refuses quotas
--   whose limit, burst, period or time to drain is above 2^50, and so are delays; the epoch is below 2^52 until 2112.
--   No sum of these reaches 2^53.
-- * `floor(a / b)` and `a % b` are exact for whole a and b below 2^53: the quotient lies at least 1 / b below the next
--   whole number, and a double can only miss by quotient x 2^-53, which is less because a < 2^53.
-- * `times` multiplies by doubling and carries at once. Its first digit is the answer itself: one of 2^53 or more is
--   inexact, yet it stays above 2^52, for rounding keeps order, and there it is compared, refused, and never stored.
--
-- Numbers come in and go out as texts made by '%.0f'; tostring() would keep 14 digits.

local floor = math.floor

local function plus(whole, part, more, more_parts, base)
  part = part + more_parts
  if part >= base then return whole + more + 1, part - base end
  return whole + more, part
end

local function minus(whole, part, less, less_parts, base)
  part = part - less_parts
  if part < 0 then return whole - less - 1, part + base end
  return whole - less, part
end

local function exceeds(whole, part, other, other_part)
  return whole > other or (whole == other and part > other_part)
end

-- The sum of two numbers of equally many digits; `bases` are what the digits stay below.
local function sum(one, two, bases)
  local digits, carry = {}, 0
  for i = #bases, 1, -1 do
    digits[i], carry = one[i] + two[i] + carry, 0
    if digits[i] >= bases[i] then digits[i], carry = digits[i] - bases[i], 1 end
  end
  return digits
end

-- The number `digits` taken `count` times.
local function times(count, digits, bases)
  local total = {0, 0, 0}
  while count > 0 do
    if count % 2 == 1 then total = sum(total, digits, bases) end
    digits, count = sum(digits, digits, bases), floor(count / 2)
  end
  return total
end

-- floor(count x dividend / divisor) and the remainder.
local function multiplied(count, dividend, divisor)
  local product = count * dividend
  if product < 9007199254740992 then return floor(product / divisor), product % divisor end
  local digits = times(count, {floor(dividend / divisor), dividend % divisor}, {math.huge, divisor})
  return digits[1], digits[2]
end
