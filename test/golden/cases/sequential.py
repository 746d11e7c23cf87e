"""Tests that may be looked at any time: counts by exact fractions, bounds by SciPy's root finder, normals by integration."""

import math
from fractions import Fraction

import numpy as np
from numpy.polynomial.legendre import leggauss
from scipy import integrate, optimize, special, stats


def log_of(fraction):
    """Of numbers far outside the range of floats."""
    shift = fraction.numerator.bit_length() - fraction.denominator.bit_length()
    scaled = fraction / Fraction(2) ** shift
    return math.log(scaled) + shift * math.log(2)


def beta(a, b):
    return Fraction(math.factorial(a - 1) * math.factorial(b - 1), math.factorial(a + b - 1))


def upper_tail(a, b, x):
    """A beta variable of whole shapes exceeds x as often as a binomial one of a + b - 1 trials stays below a."""
    n = a + b - 1
    p, q = x.numerator, x.denominator
    return Fraction(sum(math.comb(n, j) * p**j * (q - p) ** (n - j) for j in range(a)), q**n)


def count_cases():
    cases = []
    pairs = [(0, 0), (1, 0), (0, 1), (0, 50), (30, 0), (3, 3), (18, 30), (60, 40), (5, 200), (200, 5), (40, 360), (100, 400), (1, 1500), (700, 300)]
    for share, strength in [("1/20", 20), ("1/10", 20), ("1/5", 10), ("1/2", 10), ("2/5", 10), ("9/10", 10)]:
        s = Fraction(share)
        a, b = int(strength * s), int(strength * (1 - s))
        for x, y in pairs:
            ratio = beta(a + x, b + y) / beta(a, b) / (s**x * (1 - s) ** y)
            harm = ratio * upper_tail(a + x, b + y, s) / upper_tail(a, b, s)
            cases.append({"share": float(s), "strength": strength, "candidate": x, "champion": y, "difference": log_of(ratio), "harm": log_of(harm)})
    return cases


def log_gamma(n):
    return math.fsum(math.log(i) for i in range(2, n))


def large_cases():
    cases = []
    for s, k, x, y in [(0.1, 100, 100_300, 899_700), (0.5, 100, 250_400, 249_600), (0.01, 100, 9_900, 990_100), (0.2, 10, 150_000, 300_000)]:
        a, b = round(k * s), round(k * (1 - s))
        terms = [log_gamma(a + x), log_gamma(b + y), -log_gamma(a + b + x + y), -log_gamma(a), -log_gamma(b), log_gamma(a + b)]
        cases.append({"share": s, "strength": k, "candidate": x, "champion": y, "difference": math.fsum([*terms, -x * math.log(s), -y * math.log(1 - s)])})
    return cases


def tail_cases():
    cases = []
    for a, b in [(1, 1), (2, 18), (5, 5), (20, 58), (3, 700), (400, 1), (1, 400), (150, 150)]:
        for x in ("1/20", "1/5", "1/2", "4/5", "99/100"):
            cases.append({"a": a, "b": b, "x": float(Fraction(x)), "logUpper": log_of(upper_tail(a, b, Fraction(x)))})
    return cases


def ratio_cases():
    def evidence(segments, log_ratio):
        total = 0.0
        for s, x, y in segments:
            k = 20 if s <= 0.1 else 10
            logit = math.log(s / (1 - s)) + log_ratio
            a, b = k * s, k * (1 - s)
            total += special.betaln(a + x, b + y) - special.betaln(a, b) - x * special.log_expit(logit) - y * special.log_expit(-logit)
        return total

    worlds = [
        [(0.2, 18, 30)], [(0.1, 3, 40)], [(0.1, 40, 40)], [(0.5, 100, 110)], [(0.05, 1, 3)], [(0.3, 250, 900)], [(0.25, 2, 500)],
        [(0.1, 5, 60), (0.5, 30, 25)], [(0.01, 0, 20), (0.1, 4, 30), (0.5, 55, 60)], [(0.1, 12, 70), (0.25, 20, 70), (0.5, 80, 90)],
        [(0.1, 0, 30)], [(0.1, 0, 1)], [(0.5, 12, 0)], [(0.01, 1, 0)], [(0.1, 0, 20), (0.5, 0, 9)],
    ]
    cases = []
    for segments in worlds:
        for alpha in (0.05, 0.01, 0.001):
            def excess(r):
                return evidence(segments, r) + math.log(alpha)
            x, y = sum(one[1] for one in segments), sum(one[2] for one in segments)
            best = -30 if x == 0 else 30 if y == 0 else optimize.minimize_scalar(excess, bracket=(-1, 1), tol=1e-12).x
            root = {"xtol": 1e-14, "rtol": 1e-14}
            lower = 0 if x == 0 else math.exp(optimize.brentq(excess, -40, best, **root))
            upper = None if y == 0 else math.exp(optimize.brentq(excess, best, 40, **root))
            names = [{"share": s, "candidate": c, "champion": d} for s, c, d in segments]
            cases.append({"segments": names, "alpha": alpha, "lower": lower, "upper": upper})
    return cases


def normal_cases():
    cases = []
    for difference, variance, mixing in [(0.12, 0.004, 0.01), (0, 1, 1), (-0.3, 0.02, 0.5), (3, 0.4, 0.1), (0.01, 1e-5, 1e-4), (2, 7, 0.2)]:
        def ratio(shift):
            likelihood = (difference * shift - shift * shift / 2) / variance
            return math.exp(likelihood - shift * shift / (2 * mixing)) / math.sqrt(2 * math.pi * mixing)
        centre, width = difference * mixing / (mixing + variance), math.sqrt(variance * mixing / (variance + mixing))
        value, _ = integrate.quad(ratio, centre - 12 * width, centre + 12 * width, epsabs=0, epsrel=1e-12, limit=200)
        cases.append({"difference": difference, "variance": variance, "mixing": mixing, "logEvidence": math.log(value)})
    return cases


def sequence_cases():
    """The half-width is where a martingale, the likelihood ratio averaged over a normal drift, reaches 1 / alpha."""
    cases = []
    for rows in (1, 10, 300, 20_000):
        for tuning in (0.02, 0.1, 1):
            for alpha in (0.05, 0.001):
                def excess(total):
                    width = 1 / math.sqrt(rows + 1 / tuning**2)
                    centre = total * width * width
                    def log_density(drift):
                        return drift * total - rows * drift * drift / 2 - drift * drift / (2 * tuning**2)
                    top = log_density(centre)
                    area, _ = integrate.quad(lambda d: math.exp(log_density(d) - top), centre - 12 * width, centre + 12 * width, epsabs=0, epsrel=1e-13)
                    return math.log(area / (tuning * math.sqrt(2 * math.pi))) + top + math.log(alpha)
                total = optimize.brentq(excess, 0, 100 * math.sqrt(rows) / min(1, tuning), xtol=1e-13, rtol=1e-14)
                cases.append({"rows": rows, "tuning": tuning, "alpha": alpha, "halfWidth": total / rows})
    return cases


def bounds_by_quadrature(looks, spent, nodes=240):
    """The same recursion on Gauss-Legendre nodes."""
    points, weights = leggauss(nodes)
    found, grid, density, before, gone = [], None, None, 0, 0
    for t, total in zip(looks, spent):
        step = math.sqrt(t - before)
        if grid is None:
            reach = step * stats.norm.isf(total / 2)
        else:
            beyond = lambda r: 2 * np.sum(density * stats.norm.sf((r - grid) / step)) - (total - gone)
            reach = optimize.brentq(beyond, 0, 40, xtol=1e-14)
        fresh = reach * points
        value = stats.norm.pdf(fresh, scale=step) if grid is None else stats.norm.pdf(fresh[:, None] - grid[None, :], scale=step) @ density
        grid, density, before, gone = fresh, value * weights * reach, t, total
        found.append(reach / math.sqrt(t))
    return found


def boundary_cases():
    cases = []
    for looks in ([1], [0.5, 1], [0.2, 0.4, 0.6, 0.8, 1], [0.1, 0.15, 0.9, 1], list(np.arange(1, 11) / 10), [0.3, 0.7]):
        for alpha in (0.05, 0.01):
            t = np.array(looks)
            late = 4 * stats.norm.sf(stats.norm.isf(alpha / 4) / np.sqrt(t))
            even = alpha * np.log1p((math.e - 1) * t)
            cases.append({"looks": looks, "alpha": alpha, "late": bounds_by_quadrature(looks, late), "even": bounds_by_quadrature(looks, even)})
    return cases


def split_cases():
    cases = []
    for s, x, y in [(0.1, 1080, 8920), (0.5, 600, 400), (0.01, 0, 100), (0.1, 1000, 9000), (0.9, 30, 1), (0.2, 1, 0), (0.05, 51_000, 949_000)]:
        n = x + y
        result = stats.chisquare([x, y], [n * s, n - n * s])
        cases.append({"share": s, "candidate": x, "champion": y, "chiSquare": result.statistic, "pValue": result.pvalue})
    return cases


def files():
    return {
        "sequential.json": {
            "counts": count_cases(),
            "large": large_cases(),
            "tails": tail_cases(),
            "ratios": ratio_cases(),
            "normals": normal_cases(),
            "sequences": sequence_cases(),
            "boundaries": boundary_cases(),
            "splits": split_cases(),
        }
    }
