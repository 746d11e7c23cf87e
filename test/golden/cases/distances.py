"""Distances between counts of the same cells, and between samples.

Those between counts are computed from their definitions with 60 digits: SciPy's lose theirs where two samples are close.
"""

from decimal import Decimal, getcontext

import numpy as np
from scipy import integrate, optimize, stats
from scipy.spatial import distance

getcontext().prec = 60
random = np.random.default_rng(20170302)

PAIRS = [
    ("published", [100, 200, 300, 250, 150], [80, 150, 300, 280, 190]),
    ("one cell", [7], [3]),
    ("equal", [5, 5, 5], [5, 5, 5]),
    ("equal shares of unequal sizes", [1, 2, 4], [700, 1400, 2800]),
    ("single rows, same cell", [1, 0], [1, 0]),
    ("single rows, other cell", [1, 0], [0, 1]),
    ("nothing shared", [3, 4, 0, 0], [0, 0, 5, 1]),
    ("empty in the current", [100, 200, 300, 250, 150], [0, 150, 320, 300, 230]),
    ("empty in the reference", [0, 50, 50], [10, 45, 45]),
    ("empty in both", [0, 50, 50], [0, 60, 40]),
    ("one row moved among a million", [500_000, 500_000], [499_999, 500_001]),
    ("one row moved among a billion", [10**9, 10**9, 10**9], [10**9 - 1, 10**9 + 1, 10**9]),
    ("a rare cell", [1, 999_999], [3, 999_997]),
    ("one row against many", [1, 0, 0], [40_000, 30_000, 30_000]),
    ("many against one row", [40_000, 30_000, 30_000], [0, 0, 1]),
    ("four against thirty-six", [3, 1, 0], [9, 12, 15]),
    ("three categories", [30, 50, 20], [45, 38, 17]),
    ("all rows in the last cell", [10, 10, 10, 10], [0, 0, 0, 40]),
]


def drawn_pairs():
    for cells in (2, 3, 10, 20, 50):
        for n, m in ((20, 20), (1000, 1000), (10_000, 300), (50, 5000)):
            for tilt in (0.0, 0.3):
                shares = random.dirichlet(np.full(cells, 2.0))
                other = shares * np.exp(tilt * random.normal(size=cells))
                yield f"{cells} cells, {n} against {m}, tilt {tilt}", random.multinomial(n, shares), random.multinomial(m, other / other.sum())


def shares_of(counts, added=Decimal(0)):
    total = Decimal(int(sum(counts))) + added * len(counts)
    return [(Decimal(int(count)) + added) / total for count in counts]


def divergence(p, q):
    """Kullback-Leibler in nats; None where it is infinite."""
    if any(y == 0 < x for x, y in zip(p, q)):
        return None
    return sum((x * (x / y).ln() for x, y in zip(p, q) if x > 0), Decimal(0))


def index(p, q):
    there, back = divergence(p, q), divergence(q, p)
    return None if there is None or back is None else there + back


def number(value):
    return None if value is None else float(value)


def cell_case(name, reference, current):
    p, q = shares_of(reference), shares_of(current)
    middle = [(x + y) / 2 for x, y in zip(p, q)]
    shannon = max(Decimal(0), (divergence(p, middle) + divergence(q, middle)) / 2)
    half, one = Decimal("0.5"), Decimal(1)
    return {
        "name": name,
        "reference": reference,
        "current": current,
        "psi": number(index(p, q)),
        "psiHalf": number(index(shares_of(reference, half), shares_of(current, half))),
        "psiOne": number(index(shares_of(reference, one), shares_of(current, one))),
        "kullbackLeibler": number(divergence(p, q)),
        "divergenceNats": number(shannon),
        "divergenceBits": number(shannon / Decimal(2).ln()),
        "distanceBits": number((shannon / Decimal(2).ln()).sqrt()),
        "scipyDistanceNats": distance.jensenshannon(reference, current),
        "totalVariation": number(sum(abs(x - y) for x, y in zip(p, q)) / 2),
        "largest": number(max(abs(x - y) for x, y in zip(p, q))),
        "hellinger": number((sum((x.sqrt() - y.sqrt()) ** 2 for x, y in zip(p, q)) / 2).sqrt()),
    }


def sample_cases():
    lists = [
        ("one row each", [2.0], [5.5]),
        ("one row each, equal", [3.0], [3.0]),
        ("equal", [1, 2, 3], [3, 2, 1]),
        ("constant", [4, 4, 4], [4, 4]),
        ("two constants", [4, 4, 4], [-4, -4]),
        ("repeated as a whole", [1, 2, 2], [1, 1, 2, 2, 2, 2]),
        ("one against many", [0.0], random.normal(size=30).round(3)),
        ("tiny units", (1e-9 * random.normal(size=12)), (1e-9 * random.normal(1, 1, 15))),
        ("large values", 1e12 + random.normal(size=10).round(3), 1e12 + random.normal(1, 1, 8).round(3)),
        ("one far value", [1, 2, 3, 4, 1e6], [1, 2, 3, 4, 5]),
        ("crossing", [0, 10], [4, 5, 6]),
    ]
    for n, m in ((2, 3), (4, 36), (36, 4), (20, 20), (60, 45), (150, 90)):
        for digits in (0, 1, 6):
            lists.append((f"{n} against {m}, {digits} digits", random.normal(size=n).round(digits), random.normal(0.4, 1.5, m).round(digits)))
    return [
        {"name": name, "reference": one, "current": two, "distance": stats.wasserstein_distance(one, two)} for name, one, two in lists
    ]


def integral_of_gap(edges, reference, current):
    """Of |F - G| and F - G between the outer edges, with rows spread evenly over each inner cell."""
    f = np.cumsum(reference)[:-1] / sum(reference)
    g = np.cumsum(current)[:-1] / sum(current)
    size, signed = 0.0, 0.0
    for k in range(len(edges) - 1):
        low, high = edges[k], edges[k + 1]

        def gap(x):
            return np.interp(x, edges, f) - np.interp(x, edges, g)

        ends = [low, high]
        if gap(low) * gap(high) < 0:
            ends = [low, optimize.brentq(gap, low, high, xtol=1e-15), high]
        for a, b in zip(ends, ends[1:]):
            part = integrate.quad(gap, a, b, epsabs=0, epsrel=1e-12)[0]
            size, signed = size + abs(part), signed + part
    return size, signed


def binned_cases():
    cases = []
    for cells in (2, 3, 5, 10, 20):
        for n, m in ((10, 10), (1000, 80), (300, 5000)):
            edges = np.cumsum(random.exponential(1, cells - 1)).round(3) - 3
            reference = random.multinomial(n, random.dirichlet(np.ones(cells)))
            current = random.multinomial(m, random.dirichlet(np.ones(cells)))
            excess = random.exponential(1, (2, 2)).round(3)
            means = random.normal(0, 2, 2).round(3)
            inner, signed = integral_of_gap(edges, reference, current)
            p, q = reference / n, current / m
            below = abs(p[0] * excess[0, 0] - q[0] * excess[1, 0])
            above = abs(p[-1] * excess[0, 1] - q[-1] * excess[1, 1])
            cases.append({
                "edges": edges, "reference": reference, "current": current, "excess": excess, "means": means,
                "unknown": inner, "byExcess": inner + below + above, "byMeans": inner + abs(means[1] - means[0] - signed),
            })
    return cases


def noise_cases():
    cases = []
    for cells in (2, 3, 10, 20, 50):
        for n, m in ((100, 100), (10_000, 300), (1_000_000, 50)):
            for alpha, effect in ((0.05, 1), (0.001, 1), (0.05, 6.7)):
                unit = effect * (1 / n + 1 / m)
                quantile = stats.chi2.isf(alpha, cells - 1)
                psi = 1.3 * quantile * unit
                room = 0.1 - effect * quantile / n
                cases.append({
                    "cells": cells, "n": n, "m": m, "alpha": alpha, "designEffect": effect, "psi": psi,
                    "floor": (cells - 1) * unit, "critical": quantile * unit, "pValue": stats.chi2.sf(psi / unit, cells - 1),
                    "fewestRows": np.ceil(effect * quantile / room) if room > 0 else np.nan,
                })
    return cases


def spread_cases():
    lists = [[3], [2, 2], [1, 2, 4], [0, 0, 0, 8], [1e9, 1e9 + 1, 1e9 + 2], random.normal(5, 2, 41).round(3), random.exponential(1, 12).round(6)]
    return [
        {"values": values, "deviation": np.std(values), "interquartile": stats.iqr(values), "median": np.median(values)} for values in lists
    ]


def files():
    pairs = [*PAIRS, *drawn_pairs()]
    return {
        "distances.json": {
            "cells": [cell_case(*pair) for pair in pairs],
            "samples": sample_cases(),
            "binned": binned_cases(),
            "noise": noise_cases(),
            "spread": spread_cases(),
        }
    }
