"""The gate: rows in clusters, Student's t, one-sided McNemar, gaps between groups, sizes."""

import numpy as np
import statsmodels.api as sm
from scipy import stats
from sklearn.metrics import f1_score, recall_score
from statsmodels.stats.power import NormalIndPower

random = np.random.default_rng(20260121)


def student():
    values = [(t, df) for df in (1, 2, 4.5, 5.9, 6, 30, 1e3, 1e6) for t in (-8.0, -1.9, -0.3, 0.0, 0.4, 1.7, 3.0, 12.0, 60.0)]
    probabilities = [(p, df) for df in (0.7, 1, 2.5, 4, 5.9, 6, 25, 4e4) for p in (1e-9, 3e-4, 0.0076, 0.05, 0.3, 0.5, 0.8, 0.999)]
    return (
        [{"t": t, "degrees": df, "upper": stats.t.sf(t, df)} for t, df in values],
        [{"probability": p, "degrees": df, "quantile": stats.t.isf(p, df) if p != 0.5 else 0.0} for p, df in probabilities],
    )


def numbered(ids):
    """From 0 by first appearance."""
    names = {}
    return [names.setdefault(one, len(names)) for one in ids.tolist()]


def worth(ids):
    sizes = np.bincount(ids).astype(float)
    return (sizes**2).sum() ** 2 / (sizes**4).sum()


def clustered_means():
    cases = []
    for rows, count in [(6, 2), (12, 3), (40, 7), (60, 8), (90, 90), (120, 30)]:
        for kind in ("change", "number", "equal"):
            ids = np.array(numbered(np.arange(rows) if rows == count else random.integers(0, count, rows)))
            if kind == "change":
                values = random.integers(-1, 2, rows).astype(float) + 0
            else:
                values = np.ones(rows) if kind == "equal" else random.normal(size=rows) + random.normal(size=count)[ids]
            fit = sm.OLS(values, np.ones(rows)).fit(cov_type="cluster", cov_kwds={"groups": ids, "use_correction": True})
            cases.append({
                "values": values, "ids": ids, "count": ids.max() + 1, "worth": worth(ids),
                "estimate": values.mean(), "standardError": 0.0 if kind == "equal" else fit.bse[0],
            })
    return cases


def obuchowski(labels, champion, challenger, ids):
    """Straight from the definition: placements over all pairs, summed within clusters."""
    positive, negative = np.flatnonzero(labels == 1), np.flatnonzero(labels == 0)

    def placements(scores):
        won = (scores[positive][:, None] > scores[negative][None, :]) + 0.5 * (scores[positive][:, None] == scores[negative][None, :])
        return won.mean(), won.mean(1), won.mean(0)

    sums = []
    for scores in (champion, challenger):
        area, v10, v01 = placements(scores)
        x = np.array([(v10[ids[positive] == c] - area).sum() for c in range(ids.max() + 1)])
        y = np.array([(v01[ids[negative] == c] - area).sum() for c in range(ids.max() + 1)])
        sums.append((area, x, y))
    m, n = len(positive), len(negative)
    i10, i01, i = len(set(ids[positive])), len(set(ids[negative])), ids.max() + 1

    def s(left, right, count):
        return count / (count - 1) * (left * right).sum()

    def covariance(a, b):
        (_, xa, ya), (_, xb, yb) = a, b
        return s(xa, xb, i10) / m**2 + s(ya, yb, i01) / n**2 + (s(xa, yb, i) + s(ya, xb, i)) / (m * n)

    old, new = sums
    variance = covariance(old, old) + covariance(new, new) - 2 * covariance(old, new)
    return {"champion": old[0], "challenger": new[0], "standardError": np.sqrt(max(0.0, variance))}


def clustered_areas():
    cases = []
    for rows, count in [(16, 4), (40, 7), (60, 6), (80, 80), (90, 12)]:
        for digits in (1, 2, 6):
            ids = np.array(numbered(np.arange(rows) if rows == count else random.integers(0, count, rows)))
            shift = random.normal(size=ids.max() + 1)[ids] * 0.3
            labels = (random.random(rows) + 0.2 * shift > 0.5).astype(int)
            one = (random.random(rows) + 0.4 * labels + shift).round(digits)
            two = (0.5 * one + random.random(rows) + 0.4 * labels).round(digits)
            expected = obuchowski(labels, one, two, ids)
            cases.append({"labels": labels, "champion": one, "challenger": two, "ids": ids, "count": ids.max() + 1, "expected": expected})
    return cases


def jackknives():
    cases = []
    for rows, count in [(30, 3), (60, 7), (60, 12)]:
        for metric in ("f1", "brier"):
            ids = np.array(numbered(random.integers(0, count, rows)))
            labels = random.integers(0, 2, rows)
            one, two = (np.clip(0.3 + 0.3 * labels + 0.4 * random.random(rows) - 0.2, 0, 1).round(6) for _ in range(2))

            def gain(keep):
                if metric == "f1":
                    return f1_score(labels[keep], two[keep] >= 0.5) - f1_score(labels[keep], one[keep] >= 0.5)
                return ((one[keep] - labels[keep]) ** 2).mean() - ((two[keep] - labels[keep]) ** 2).mean()

            all_rows, groups = gain(np.full(rows, True)), ids.max() + 1
            squares = sum((gain(ids != c) - all_rows) ** 2 for c in range(groups))
            cases.append({
                "metric": metric, "labels": labels, "champion": one, "candidate": two, "ids": ids, "count": groups,
                "estimate": all_rows, "standardError": np.sqrt((groups - 1) / groups * squares),
            })
    return cases


def bounds():
    cases = []
    for estimate, error, df in [(0.004, 0.005, 6), (-0.02, 0.004, 4.3), (0.0, 0.01, 12), (0.03, 0.02, 1), (-0.001, 0.0003, 200)]:
        for margin, confidence in [(0.005, 0.95), (0.0, 0.9), (0.01, 0.9924)]:
            reach = stats.t.isf(1 - confidence, df) * error
            cases.append({
                "estimate": estimate, "standardError": error, "degrees": df, "margin": margin, "confidence": confidence,
                "lower": estimate - reach, "upper": estimate + reach,
                "pNonInferior": stats.t.sf((estimate + margin) / error, df), "pHarm": stats.t.cdf((estimate + margin) / error, df),
                "pBetter": stats.t.sf(estimate / error, df), "twoSided": 2 * stats.t.sf(abs(estimate) / error, df),
            })
    return cases


def better():
    tables = [(0, 1), (1, 0), (0, 9), (3, 3), (5, 8), (12, 25), (25, 12), (100, 140), (1000, 1100), (400, 520)]
    return [{"b": b, "c": c, "better": stats.binomtest(c, b + c, 0.5, alternative="greater").pvalue} for b, c in tables]


def gaps():
    cases = []
    for rows, groups in [(40, 2), (60, 3), (120, 5)]:
        for _ in range(3):
            group = np.arange(rows) % groups
            labels = (random.random(rows) < 0.5).astype(int)
            labels[:groups] = 1
            scores = np.clip(random.random(rows) + 0.1 * group * labels, 0, 1).round(4)
            found = [recall_score(labels[group == g], scores[group == g] >= 0.5) for g in range(groups)]
            selected = [(scores[group == g] >= 0.5).mean() for g in range(groups)]
            cases.append({
                "labels": labels, "scores": scores, "group": group,
                "opportunity": max(found) - min(found), "ratio": min(selected) / max(selected),
            })
    return cases


def spending():
    return [{"alpha": a, "use": k, "spent": 6 * a / (np.pi * k) ** 2} for a in (0.05, 0.01, 0.2) for k in (1, 2, 3, 7, 100)]


def sizes():
    means = [
        {"difference": d, "alpha": a, "power": p, "rows": NormalIndPower().solve_power(d, alpha=a, power=p)}
        for d in (0.05, 0.1, 0.5) for a, p in [(0.05, 0.8), (0.01, 0.95)]
    ]
    return means


def files():
    tails, quantiles = student()
    return {
        "gate.json": {
            "studentTails": tails,
            "studentQuantiles": quantiles,
            "clusteredMeans": clustered_means(),
            "clusteredAreas": clustered_areas(),
            "jackknives": jackknives(),
            "bounds": bounds(),
            "better": better(),
            "gaps": gaps(),
            "spending": spending(),
            "sizesOfMeans": sizes(),
        }
    }
