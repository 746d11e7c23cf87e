"""Comparisons of two models on the same rows."""

import numpy as np
from scipy import stats
from statsmodels.stats.contingency_tables import mcnemar

random = np.random.default_rng(20010102)


def delong_by_pairs(labels, one, two):
    """Straight from the definition, over all pairs of a positive and a negative."""
    positive, negative = np.flatnonzero(labels == 1), np.flatnonzero(labels == 0)

    def components(scores):
        won = (scores[positive][:, None] > scores[negative][None, :]) + 0.5 * (scores[positive][:, None] == scores[negative][None, :])
        return won.mean(), won.mean(1), won.mean(0)

    (auc1, v10a, v01a), (auc2, v10b, v01b) = components(one), components(two)
    s = np.cov(v10a, v10b) / len(positive) + np.cov(v01a, v01b) / len(negative)
    error = np.sqrt(max(0, s[0, 0] + s[1, 1] - 2 * s[0, 1]))
    p = 1.0 if auc1 == auc2 else 2 * stats.norm.sf(abs(auc2 - auc1) / error) if error > 1e-12 else 0.0
    return {"champion": auc1, "challenger": auc2, "variances": [s[0, 0], s[1, 1]], "covariance": s[0, 1], "standardError": error, "p": p}


def comparison_cases():
    delong = []
    for rows_count in (8, 25, 80):
        for digits in (1, 2, 6):
            for same in (False, True):
                labels = random.integers(0, 2, rows_count)
                labels[:4] = [0, 1, 0, 1]
                one = (random.random(rows_count) + 0.4 * labels).round(digits)
                two = one if same else (0.5 * one + random.random(rows_count) + 0.4 * labels).round(digits)
                delong.append({"labels": labels, "champion": one, "challenger": two, "expected": delong_by_pairs(labels, one, two)})
    tables = []
    for b, c in [(0, 1), (1, 0), (1, 1), (3, 3), (0, 6), (5, 8), (12, 25), (25, 12), (100, 140), (1000, 1100), (40, 40)]:
        table = [[0, b], [c, 0]]
        exact, plain_form, corrected = mcnemar(table), mcnemar(table, exact=False, correction=False), mcnemar(table, exact=False)
        less = min(b, c)
        tables.append({
            "b": b,
            "c": c,
            "exact": exact.pvalue,
            "mid": 2 * stats.binom.cdf(less, b + c, 0.5) - stats.binom.pmf(less, b + c, 0.5),
            "uncorrected": [plain_form.statistic, plain_form.pvalue],
            "corrected": [corrected.statistic, corrected.pvalue] if b != c else [0.0, 1.0],
        })
    bounds = []
    for b, c, n in [(44, 52, 2000), (10, 10, 300), (3, 9, 100), (200, 150, 10_000), (1, 30, 60)]:
        for margin, confidence in [(0.01, 0.95), (0, 0.9), (0.05, 0.99)]:
            d = (c - b) / n
            error = np.sqrt(b + c - (c - b) ** 2 / n) / n
            reach = stats.norm.isf(1 - confidence) * error
            bounds.append({
                "b": b, "c": c, "n": n, "margin": margin, "confidence": confidence,
                "estimate": d, "standardError": error, "lower": d - reach, "upper": d + reach,
                "pNonInferior": stats.norm.sf((d + margin) / error), "pHarm": stats.norm.cdf((d + margin) / error),
            })
    return {"delong": delong, "mcnemar": tables, "bounds": bounds}


def files():
    return {"comparisons.json": comparison_cases()}
