"""The clinic's estimates from each release by itself, in floating point: what sums by week have to come to."""

import math
from collections.abc import Iterable
from fractions import Fraction

from app.hub.trends import HALF_SCALE, MIN_RELEASES, Z95, Estimate, Release, student


def in_floats(metric: str, releases: Iterable[Release]) -> Estimate | None:
    """As the hub did before it kept sums."""
    n, total, noise, clusters = 0, 0.0, 0.0, []
    for release in releases:
        if release.sums is not None and metric in release.sums:
            low, high = release.ranges[metric]
            scale = (high - low) / (2 * HALF_SCALE)
            value = release.sessions * (low + high) / 2 + scale * release.sums[metric]
            n, total, noise = n + release.sessions, total + value, noise + scale * scale * release.sigma2
            clusters.append((release.sessions, value))
    if not n:
        return None
    mean, half, k = total / n, Z95 * math.sqrt(noise) / n, len(clusters)
    if k >= MIN_RELEASES:
        squares = sum((value - sessions * mean) ** 2 for sessions, value in clusters)
        half = max(half, student(k - 1) * math.sqrt(k / (k - 1) * squares) / n)
    return Estimate(mean, mean - half, mean + half, n, k >= MIN_RELEASES)


def exactly(metric: str, releases: Iterable[Release]) -> tuple[Fraction, Fraction, Fraction]:
    """The mean, the variance of the noise and the sum of squares around the mean, in fractions."""
    clusters, noise = [], Fraction(0)
    for release in releases:
        if release.sums is not None and metric in release.sums:
            low, high = map(Fraction, release.ranges[metric])
            scale = (high - low) / (2 * HALF_SCALE)
            clusters.append((release.sessions, release.sessions * (low + high) / 2 + scale * release.sums[metric]))
            noise += scale * scale * release.sigma2
    mean = sum((value for _, value in clusters), Fraction(0)) / sum(n for n, _ in clusters)
    return mean, noise, sum(((value - n * mean) ** 2 for n, value in clusters), Fraction(0))
