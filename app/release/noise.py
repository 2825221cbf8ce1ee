"""Discrete Gaussian noise, exact: integers and fractions only, no floating point.

Canonne, Kamath and Steinke (2020), "The Discrete Gaussian for Differential Privacy", arXiv:2004.00010, algorithms
1 to 3.
"""

from fractions import Fraction
from math import isqrt
from typing import Protocol


class Dice(Protocol):
    """Exact uniform integers, as `secrets.SystemRandom()` and a seeded `random.Random` give them."""

    def randrange(self, stop: int, /) -> int:
        """A whole number in 0..stop-1, each as likely as any other."""
        ...


def discrete_gaussian(sigma2: Fraction, dice: Dice) -> int:
    """A whole number x with probability proportional to exp(-x² / (2 sigma2)) (algorithm 3)."""
    if sigma2 <= 0:
        raise ValueError(f"a variance of {sigma2} is no variance: it must be above 0")
    scale = isqrt(int(sigma2)) + 1
    while True:
        candidate = discrete_laplace(scale, dice)
        if bernoulli_exp((abs(candidate) - sigma2 / scale) ** 2 / (2 * sigma2), dice):
            return candidate


def discrete_laplace(scale: int, dice: Dice) -> int:
    """A whole number x with probability proportional to exp(-|x| / scale) (algorithm 2)."""
    while True:
        within = dice.randrange(scale)
        if not bernoulli_exp(Fraction(within, scale), dice):
            continue
        wholes = 0
        while bernoulli_exp(Fraction(1), dice):
            wholes += 1
        size = within + scale * wholes
        negative = bernoulli(Fraction(1, 2), dice)
        if not (negative and size == 0):  # else 0 would come twice as often
            return -size if negative else size


def bernoulli_exp(exponent: Fraction, dice: Dice) -> bool:
    """True with probability exp(-exponent), for an exponent of 0 or more (algorithm 1)."""
    while exponent > 1:
        if not bernoulli_exp(Fraction(1), dice):
            return False
        exponent -= 1
    count = 1
    while bernoulli(exponent / count, dice):
        count += 1
    return count % 2 == 1


def bernoulli(chance: Fraction, dice: Dice) -> bool:
    """True with exactly this probability, 0 to 1."""
    return dice.randrange(chance.denominator) < chance.numerator
