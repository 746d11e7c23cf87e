"""Tests of two independent samples, and limits of proportions."""

import numpy as np
from scipy import special, stats
from statsmodels.stats import proportion

random = np.random.default_rng(19330101)


def kolmogorov_smirnov_cases():
    lists = [
        ("one row each", [1], [2]),
        ("one row each, equal", [1], [1]),
        ("equal", [1, 2, 3], [3, 1, 2]),
        ("constant", [4, 4, 4], [4, 4]),
        ("apart, three and three", [1, 2, 3], [4, 5, 6]),
        ("apart, thirty and thirty", range(30), range(30, 60)),
        ("apart, two hundred and three", range(200), [500, 501, 502]),
        ("one against many", [0.1], random.normal(size=50)),
    ]
    for n, m in ((2, 3), (4, 36), (36, 4), (20, 16), (50, 50), (97, 103), (300, 200), (640, 480)):
        for digits in (0, 1, 9):
            for shift in (0, 0.5):
                lists.append((f"{n} against {m}, {digits} digits, shift {shift}", random.normal(size=n).round(digits), random.normal(shift, 1, m).round(digits)))
    cases = []
    for name, reference, current in lists:
        reference, current = list(reference), list(current)
        found = stats.ks_2samp(reference, current, method="exact")
        n, m = len(reference), len(current)
        steps = round(found.statistic * n * m)
        # The samples of the larger cases would fill the file: their ranks decide as much.
        pooled = stats.rankdata(reference + current, method="dense")
        cases.append({"name": name, "reference": pooled[:n], "current": pooled[n:], "steps": steps, "distance": found.statistic, "pValue": found.pvalue})
    return cases


def exact_tail_cases():
    """Exact p-values of distances far out, by SciPy's count of paths."""
    cases = []
    for n, m in ((1, 1), (3, 5), (10, 10), (40, 25), (100, 100), (250, 130), (1000, 7)):
        for share in (0.02, 0.2, 0.5, 0.8, 1.0):
            step = np.lcm(n, m)
            distance = max(1, round(share * step)) / step
            height = round(distance * step)
            g = np.gcd(n, m)
            outside = stats._stats_py._compute_prob_outside_square(n, height) if n == m else stats._stats_py._compute_outer_prob_inside_method(m, n, g, height)
            cases.append({"n": n, "m": m, "steps": height * g, "pValue": outside})
    return cases


def stephens_cases():
    cases = []
    for n, m in ((1, 1), (20, 16), (36, 4), (1000, 1000), (10_000, 500), (1_000_000, 1_000_000)):
        for distance in (0.0, 0.001, 0.01, 0.05, 0.2, 0.6, 1.0):
            root = np.sqrt(n * m / (n + m))
            cases.append({"n": n, "m": m, "distance": distance, "pValue": special.kolmogorov((root + 0.12 + 0.11 / root) * distance)})
    return cases


def one_sample_cases():
    """To 140 rows SciPy's finite distribution is exact, and far out beyond."""
    few = [(n, d) for n in (1, 2, 5, 9, 40, 140) for d in (0.01, 0.05, 0.1, 0.15, 0.2, 0.35, 0.5, 0.7, 0.95, 1.0)]
    many = [(n, d) for n in (300, 1000, 3000) for d in (0.15, 0.2, 0.6)]
    return [{"n": n, "distance": d, "probability": stats.kstwo.sf(d, n)} for n, d in few + many]


def binned_cases():
    cases = []
    for cells in (1, 2, 3, 10, 20):
        for n, m in ((1, 1), (40, 30), (1000, 60)):
            reference = random.multinomial(n, random.dirichlet(np.ones(cells)))
            current = random.multinomial(m, random.dirichlet(np.ones(cells)))
            f, g = np.cumsum(reference) / n, np.cumsum(current) / m
            before_f, before_g = np.concatenate(([0], f[:-1])), np.concatenate(([0], g[:-1]))
            cases.append({
                "reference": reference, "current": current, "distance": np.abs(f - g).max(),
                "atMost": max((f - before_g).max(), (g - before_f).max()),
            })
    return cases


def merged(table):
    """Columns that expect fewer than 5 rows on the smaller side are put together, and with the smallest other if they must."""
    table = table[:, table.sum(0) > 0]
    limit = 5 * table.sum() / table.sum(1).min()
    sparse = table.sum(0) < limit
    if not sparse.any():
        return table
    other, kept = table[:, sparse].sum(1), table[:, ~sparse]
    if other.sum() >= limit or kept.shape[1] == 0:
        return np.column_stack([kept, other])
    smallest = np.argmin(kept.sum(0))
    kept[:, smallest] += other
    return kept


def chi_square_cases():
    pairs = [
        ([100, 200, 300, 250, 150], [80, 150, 300, 280, 190]),
        ([7], [9]),
        ([1, 0], [0, 1]),
        ([50, 50], [50, 50]),
        ([500, 0], [0, 500]),
        ([0, 40, 0, 60], [0, 55, 0, 45]),
        ([100, 100, 3, 2], [100, 100, 1, 0]),
        ([100, 100, 30, 20], [100, 100, 10, 0]),
        ([2, 2, 2, 2], [2, 2, 2, 2]),
        ([10**6, 10**6], [10**6 - 3000, 10**6 + 3000]),
        ([10**6, 10**6], [800_000, 1_200_000]),
    ]
    for cells in (2, 3, 10, 20, 60):
        for n, m in ((4, 36), (100, 100), (10_000, 300), (300, 10_000), (100_000, 100_000)):
            for tilt in (0, 0.3):
                shares = random.dirichlet(np.ones(cells))
                other = shares * np.exp(tilt * random.normal(size=cells))
                pairs.append((random.multinomial(n, shares), random.multinomial(m, other / other.sum())))
    cases = []
    for index, (reference, current) in enumerate(pairs):
        table = merged(np.array([reference, current]))
        effect = [1, 1, 6.7][index % 3]
        statistic, freedom = (0.0, 0) if table.shape[1] == 1 else stats.chi2_contingency(table, correction=False)[0:3:2]
        cases.append({
            "reference": reference, "current": current, "designEffect": effect, "statistic": statistic / effect, "degreesOfFreedom": freedom,
            "pValue": stats.chi2.sf(statistic / effect, freedom) if freedom else 1.0,
        })
    return cases


def proportion_cases():
    single = []
    for count, rows in ((0, 1), (1, 1), (0, 20), (20, 20), (1, 20), (3, 200), (100, 200), (199, 200), (5, 10_000), (9_999, 10_000), (1, 1_000_000), (400_000, 1_000_000)):
        for confidence in (0.8, 0.95, 0.999):
            alpha = 1 - confidence
            wilson = proportion.proportion_confint(count, rows, alpha, "wilson")
            exact = proportion.proportion_confint(count, rows, alpha, "beta")
            single.append({"count": count, "rows": rows, "confidence": confidence, "wilson": wilson, "exact": exact})
    pairs = []
    for old, fresh in (((18, 1000), (37, 1200)), ((0, 10), (0, 20)), ((10, 10), (20, 20)), ((0, 100), (5, 50)), ((3, 4), (9, 36)), ((30, 36), (1, 4)), ((500, 1000), (500, 1000)), ((1, 100_000), (40, 100_000)), ((200_000, 10**6), (201_500, 10**6)), ((10, 100), (900, 1000))):
        for confidence in (0.9, 0.95, 0.99):
            low, high = proportion.confint_proportions_2indep(fresh[0], fresh[1], old[0], old[1], method="newcomb", compare="diff", alpha=1 - confidence)
            same = old[0] + fresh[0] in (0, old[1] + fresh[1])
            z, p = (0.0, 1.0) if same else proportion.proportions_ztest([fresh[0], old[0]], [fresh[1], old[1]])
            pairs.append({"old": old, "fresh": fresh, "confidence": confidence, "low": low, "high": high, "z": z, "pValue": p})
    return {"single": single, "pairs": pairs}


def files():
    shares = proportion_cases()
    return {
        "two-sample.json": {
            "kolmogorovSmirnov": kolmogorov_smirnov_cases(),
            "exactTail": exact_tail_cases(),
            "stephens": stephens_cases(),
            "oneSample": one_sample_cases(),
            "binned": binned_cases(),
            "chiSquare": chi_square_cases(),
            "proportions": shares["single"],
            "differences": shares["pairs"],
        }
    }
