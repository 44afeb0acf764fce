"""Map values to places on an axis, linear or logarithmic, and choose the ticks that a reader expects."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Scale:
    """An axis from value `low` at place `start` to value `high` at place `end`."""

    low: float
    high: float
    start: float
    end: float
    log: bool = False

    def at(self, value: float) -> float:
        """Return the place of a value."""
        low, high, value = (math.log10(number) for number in (self.low, self.high, value)) if self.log else (
            self.low, self.high, value)
        return self.start + (self.end - self.start) * (value - low) / (high - low)

    def ticks(self, most: int) -> list[float]:
        """Return round values on the axis, at most `most` of them."""
        if not self.log:
            return _steps(self.low, self.high, most)
        for digits in ((1, 2, 5), (1, 3), (1,)):
            found = [digit * 10.0 ** power for power in range(math.floor(math.log10(self.low)), math.ceil(math.log10(self.high)) + 1)
                     for digit in digits if self.low * 0.999 <= digit * 10.0 ** power <= self.high * 1.001]
            if len(found) <= most:
                return found
        return found[::math.ceil(len(found) / most)]


def from_zero(values: list[float], start: float, end: float, most: int) -> Scale:
    """Return a linear scale from zero (or the lowest value below it) to a round value above the highest."""
    high, low = max(*values, 0), min(*values, 0)
    step = _step(high - low or 1, most)
    return Scale(math.floor(low / step) * step, math.ceil(high / step - 1e-9) * step or step, start, end)


def around(values: list[float], start: float, end: float, log: bool, room: float = 0.08) -> Scale:
    """Return a scale that holds all values with some room on both sides."""
    low, high = min(values), max(values)
    if log:
        margin = max(high / low, 1.5) ** room
        return Scale(low / margin, high * margin, start, end, True)
    margin = (high - low or abs(high) or 1) * room
    return Scale(low - margin, high + margin, start, end)


def round_down(value: float) -> float:
    """Return the largest of 1, 2, 5, 10, ... that a positive value reaches."""
    power = 10.0 ** math.floor(math.log10(value))
    return next(digit * power for digit in (5, 2, 1) if digit * power <= value * (1 + 1e-9))


def _steps(low: float, high: float, most: int) -> list[float]:
    step = _step(high - low, most)
    first = math.ceil(low / step - 1e-9)
    return [round(number * step, 10) for number in range(first, math.floor(high / step + 1e-9) + 1)]


def _step(span: float, most: int) -> float:
    """Return the smallest of 1, 2, 5, 10, ... that cuts `span` into fewer than `most` pieces."""
    power = 10.0 ** math.floor(math.log10(span / max(most, 2)))
    return next(digit * power for digit in (1, 2, 5, 10, 20) if span / (digit * power) <= max(most, 2) - 1)
