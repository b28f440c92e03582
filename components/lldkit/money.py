"""Money in whole minor units of one currency: exact sums, no rounding, nothing lost when it is divided."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, Self

from lldkit.arguments import check_count
from lldkit.errors import LldkitError

__all__ = ["CurrencyMismatch", "Money", "minor_units"]

_CODES = {
    0: "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF",
    2: """AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB BOV BRL BSD BTN BWP BYN BZD CAD CDF
          CHE CHF CHW CNY COP COU CRC CUC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ
          GYD HKD HNL HTG HUF IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK
          MNT MOP MRU MUR MVR MWK MXN MXV MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB
          SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD USN
          UYU UZS VED VES WST XCD YER ZAR ZMW ZWG""",
    3: "BHD IQD JOD KWD LYD OMR TND",
    4: "CLF UYW",
}
_MINOR_UNITS = {code: digits for digits, codes in _CODES.items() for code in codes.split()}
_DECIMAL = re.compile(r"(?P<sign>-?)(?P<whole>[0-9]+)(?:\.(?P<fraction>[0-9]+))?")


def minor_units(currency: str) -> int:
    """How many decimal digits the currency has (ISO 4217, list one): 2 for USD, 0 for JPY, 3 for KWD.

    A code that is unknown, or that has no minor unit (gold, test codes), is a ValueError.
    """
    try:
        return _MINOR_UNITS[currency]
    except KeyError:
        raise ValueError(f"currency must be an ISO 4217 code with a minor unit, as 'USD', got {currency!r}") from None


class CurrencyMismatch(LldkitError):
    """Two currencies met where one was `expected`."""

    def __init__(self, expected: str, found: str) -> None:
        super().__init__(f"expected an amount in {expected}, got one in {found}")
        self.expected = expected
        self.found = found

    def __reduce__(self) -> tuple[Callable[..., object], tuple[object, ...]]:
        return type(self), (self.expected, self.found)


@dataclass(frozen=True, slots=True)
class Money:
    """A whole number of minor units (cents) of one currency; negative amounts are allowed.

    Sums, differences and order are exact; amounts in two currencies are never equal, and to add or order them is a
    CurrencyMismatch. There is no division, because it would round: `allocate` splits without loss. Immutable.

    >>> Money.parse("10.50", "USD") + Money(25, "USD")
    Money(amount=1075, currency='USD')
    """

    amount: int
    currency: str

    def __post_init__(self) -> None:
        if type(self.amount) is not int:
            raise TypeError(f"amount must be a whole number of minor units, got {self.amount!r}")
        minor_units(self.currency)

    @classmethod
    def parse(cls, text: str, currency: str) -> Self:
        """The amount written in major units, as "10.50" or "-3"; never rounds.

        A ValueError names a text that is no plain decimal, or whose digits after the point, zeros at the end aside,
        are more than the currency has.
        """
        digits = minor_units(currency)
        match = _DECIMAL.fullmatch(text)
        if not match:
            raise ValueError(f"amount must be a decimal in ASCII digits, as '10.50', got {text!r}")
        fraction = (match["fraction"] or "").rstrip("0")
        if len(fraction) > digits:
            raise ValueError(f"{currency} has at most {digits} digits after the point, got {text!r}")
        return cls(int(match["sign"] + match["whole"] + fraction.ljust(digits, "0")), currency)

    def format(self) -> str:
        """The amount in major units with all digits of the currency; `parse` reads it back.

        >>> Money(1050, "USD").format(), Money(500, "JPY").format(), Money(50, "KWD").format()
        ('10.50', '500', '0.050')
        """
        digits = minor_units(self.currency)
        text = str(abs(self.amount)).rjust(digits + 1, "0")
        sign = "-" if self.amount < 0 else ""
        return f"{sign}{text[:-digits]}.{text[-digits:]}" if digits else f"{sign}{text}"

    def allocate(self, weights: Sequence[int], *, rule: Literal["largest", "first"] = "largest") -> tuple[Self, ...]:
        """Split the amount in proportion to whole weights; the parts always sum up to it.

        Each part gets its share rounded towards zero. What is left over goes, a minor unit each, to the parts that lost
        most by the rounding ("largest", the largest-remainder method) or to the first parts ("first"); earlier parts
        win ties, and a part of weight zero gets nothing. A ValueError names weights that are empty, negative or all
        zero.

        >>> [part.amount for part in Money(100, "USD").allocate([1, 1, 1])]
        [34, 33, 33]
        """
        if rule not in ("largest", "first"):
            raise ValueError(f"rule must be 'largest' or 'first', got {rule!r}")
        total = sum(check_count("a weight", weight) for weight in weights)
        if not total:
            raise ValueError(f"weights must hold at least one above 0, got {weights!r}")
        shares = [divmod(abs(self.amount) * weight, total) for weight in weights]
        parts = [part for part, _ in shares]
        takers = [index for index, weight in enumerate(weights) if weight]
        if rule == "largest":
            takers.sort(key=lambda index: -shares[index][1])
        for index in takers[: abs(self.amount) - sum(parts)]:
            parts[index] += 1
        sign = -1 if self.amount < 0 else 1
        return tuple(type(self)(sign * part, self.currency) for part in parts)

    def __add__(self, other: Self) -> Self:
        return type(self)(self.amount + self._same(other), self.currency)

    def __sub__(self, other: Self) -> Self:
        return type(self)(self.amount - self._same(other), self.currency)

    def __mul__(self, factor: int) -> Self:
        if type(factor) is not int:
            return NotImplemented
        return type(self)(self.amount * factor, self.currency)

    __rmul__ = __mul__

    def __neg__(self) -> Self:
        return type(self)(-self.amount, self.currency)

    def __lt__(self, other: Self) -> bool:
        return self.amount < self._same(other)

    def __le__(self, other: Self) -> bool:
        return self.amount <= self._same(other)

    def __gt__(self, other: Self) -> bool:
        return self.amount > self._same(other)

    def __ge__(self, other: Self) -> bool:
        return self.amount >= self._same(other)

    def __str__(self) -> str:
        return f"{self.format()} {self.currency}"

    def _same(self, other: Self) -> int:
        """The other amount, which must be in this currency."""
        if not isinstance(other, Money):
            raise TypeError(f"expected Money, got {other!r}")
        if other.currency != self.currency:
            raise CurrencyMismatch(self.currency, other.currency)
        return other.amount
