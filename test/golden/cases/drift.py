"""Whole windows against a profile: size, noise, interval, p-value and its correction; and volumes of windows."""

import numpy as np
from scipy import stats
from statsmodels.stats.multitest import multipletests

random = np.random.default_rng(20210611)
WARN = 0.1


def occupied(reference, current):
    pairs = [(a, b) for a, b in zip(reference, current) if a + b > 0]
    return np.array([a for a, _ in pairs], float), np.array([b for _, b in pairs], float)


def smoothed(counts):
    return (counts + 0.5) / (counts.sum() + 0.5 * len(counts))


def psi_of(a, b):
    p, q = smoothed(a), smoothed(b)
    return float(np.sum((p - q) * np.log(p / q)))


def slope_variance(moving, fixed):
    slope = np.log(moving / fixed) + 1 - fixed / moving
    return float(np.sum(moving * slope**2) - np.sum(moving * slope) ** 2)


def standard_error(a, b, effect):
    p, q, n, m = smoothed(a), smoothed(b), a.sum(), b.sum()
    change = effect * (slope_variance(p, q) / n + slope_variance(q, p) / m)
    noise = 2 * (len(a) - 1) * (effect * (1 / n + 1 / m)) ** 2
    return float(np.sqrt(max(0, change - 2 * noise) + noise))


def merged(a, b):
    """Cells that expect fewer than five rows on the smaller side, put together."""
    limit = 5 * (a.sum() + b.sum()) / min(a.sum(), b.sum())
    cells = sorted(zip(a, b), key=sum)
    sparse = [cell for cell in cells if sum(cell) < limit]
    kept = [cell for cell in cells if sum(cell) >= limit]
    if sparse:
        other = tuple(map(sum, zip(*sparse)))
        if sum(other) >= limit or not kept:
            kept.append(other)
        else:
            kept[0] = tuple(map(sum, zip(kept[0], other)))
    return np.array(kept).T


def chi_square_p(a, b, effect):
    table = merged(a, b)
    if table.shape[1] < 2:
        return 1.0
    found = stats.chi2_contingency(table, correction=False)
    return float(stats.chi2.sf(found.statistic / effect, found.dof))


def ranked_p(psi, quiet, scale, freedom):
    ranked = (1 + sum(past >= psi for past in quiet)) / (len(quiet) + 1)
    if psi <= quiet[-1]:
        return ranked
    passed = stats.chi2.sf(quiet[-1] / scale, freedom)
    return ranked if passed == 0 else float(ranked * stats.chi2.sf(psi / scale, freedom) / passed)


def variable(reference, current, effect, quiet):
    a, b = occupied(reference, current)
    n, m = a.sum(), b.sum()
    if n == 0 or m == 0:
        return {"psi": None, "sufficient": False, "pValue": None}
    scale, freedom = effect * (1 / n + 1 / m), len(a) - 1
    psi, floor = psi_of(a, b), freedom * scale
    debiased = max(0.0, psi - floor)
    critical = effect * stats.chi2.isf(0.05, freedom) if freedom > 0 else 0
    left = WARN - critical / n
    fewest = max(1, int(np.ceil(critical / left))) if left > 0 else None
    sufficient = fewest is not None and m >= fewest
    p = chi_square_p(a, b, effect)
    if quiet is not None and len(quiet) >= 19 and freedom > 0:
        p = max(p, ranked_p(psi, quiet, scale, freedom))
    return {
        "psi": psi,
        "noiseFloor": floor,
        "debiasedPsi": debiased,
        "psiUpperLimit": debiased + stats.norm.isf(0.025) * standard_error(a, b, effect),
        "fewestRows": fewest,
        "sufficient": sufficient,
        "pValue": p if sufficient else None,
    }


def drawn_feature(cells, n, m, tilt, effect, windows):
    shares = random.dirichlet(np.full(cells, 3.0))
    other = shares * np.exp(tilt * random.normal(size=cells))
    # Whole clusters of the size of the design effect, so that the quiet windows are those of such rows.
    size = int(effect)
    drawn = lambda rows, of: size * random.multinomial(rows // size, of / of.sum())
    reference = drawn(n, shares)
    quiet = None
    if windows > 0:
        quiet = sorted(psi_of(*occupied(reference, drawn(m, shares))) for _ in range(windows))
    return {"reference": reference, "current": drawn(m, other), "designEffect": effect, "quiet": quiet}


EDGES = [
    ("no rows", [10, 20, 30], [0, 0, 0], 1, None),
    ("no reference", [0, 0, 0], [10, 20, 30], 1, None),
    ("one cell", [1000], [50], 1, None),
    ("one occupied cell of three", [0, 1000, 0], [0, 50, 0], 3, None),
    ("another cell than ever", [0, 5000, 0], [0, 0, 500], 1, None),
    ("equal shares", [1000, 2000, 3000], [100, 200, 300], 2, None),
    ("a reference of noise", [5, 5, 5, 5], [900, 900, 900, 900], 1, None),
    ("sparse cells", [9990, 4, 3, 2, 1], [995, 1, 1, 2, 1], 1, None),
    ("beyond all quiet windows", [4000, 3000, 3000], [300, 400, 300], 1, [0.001 * k for k in range(1, 25)]),
    ("far beyond all chance", [40_000, 30_000, 30_000], [1, 1, 9998], 1, [2.0 + k for k in range(20)]),
    ("amid the quiet windows", [4000, 3000, 3000], [320, 380, 300], 1, [0.002 * k for k in range(1, 25)]),
    ("eighteen quiet windows say nothing", [4000, 3000, 3000], [320, 380, 300], 1, [0.01 * k for k in range(1, 19)]),
]


def window(name, features):
    for one in features:
        one["expected"] = variable(one["reference"], one["current"], one["designEffect"], one["quiet"])
    tested = [one["expected"] for one in features if one["expected"]["pValue"] is not None]
    p = [one["pValue"] for one in tested]
    for method, key in (("fdr_bh", "benjamini-hochberg"), ("fdr_by", "benjamini-yekutieli"), ("holm", "holm")):
        adjusted = multipletests(p, method=method)[1] if p else []
        for one, value in zip(tested, adjusted):
            one[key] = value
    return {"name": name, "features": features}


def windows():
    edges = [
        {"reference": reference, "current": current, "designEffect": effect, "quiet": quiet}
        for _, reference, current, effect, quiet in EDGES
    ]
    yield window("edges: " + ", ".join(name for name, *_ in EDGES), edges)
    for cells in (2, 5, 10, 20):
        for n, m in ((20_000, 1000), (5000, 2000), (1000, 100)):
            for effect in (1, 4):
                tilts = (0, 0, 0.1, 0.3, 0.6)
                yield window(
                    f"{cells} cells, {n} against {m}, design effect {effect}",
                    [drawn_feature(cells, n, m, tilt, effect, quiet) for tilt, quiet in zip(tilts, (0, 30, 30, 0, 30))],
                )


def volumes():
    for mean in (0.5, 12, 1000, 250_000):
        for overdispersion in (0, 0.01, 0.3):
            for seen in (1, 8):
                variance = (mean + overdispersion * mean**2) * (1 + 1 / seen)
                shape = mean**2 / (variance - mean)
                law = stats.nbinom(shape, shape / (shape + mean))
                for factor in (0, 0.4, 1, 2.5):
                    rows = int(mean * factor)
                    p = min(1, 2 * min(law.cdf(rows), law.sf(rows - 1)))
                    if p > 1e-280:
                        yield {"rows": rows, "mean": mean, "overdispersion": overdispersion, "windows": seen, "pValue": p}


def files():
    return {"drift.json": {"windows": list(windows()), "volumes": list(volumes())}}
