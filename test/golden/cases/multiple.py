"""Corrections for many tests, persistence and ranks among quiet windows."""

import numpy as np
from scipy import stats
from statsmodels.stats.multitest import multipletests

random = np.random.default_rng(19950101)


def adjusted_cases():
    lists = [
        ("one", [0.03]),
        ("all zero", [0, 0, 0]),
        ("all one", [1, 1, 1]),
        ("all equal", [0.02] * 7),
        ("ends", [0, 1]),
        ("ties", [0.01, 0.2, 0.01, 0.2, 0.2, 0.01]),
        ("descending", [0.9, 0.5, 0.3, 0.04, 0.01]),
        ("tiny", [1e-300, 1e-200, 1e-10, 0.5]),
        ("just above and below", [0.05, 0.0500000001, 0.0499999999]),
        ("one small among many", [1e-6, *np.linspace(0.1, 1, 60)]),
    ]
    for count in (2, 5, 20, 100, 300):
        for digits in (1, 2, 8):
            lists.append((f"{count} of {digits} digits", np.round(random.random(count) ** 2, digits)))
    return [
        {
            "name": name,
            "p": p,
            "bh": multipletests(p, method="fdr_bh")[1],
            "by": multipletests(p, method="fdr_by")[1],
            "holm": multipletests(p, method="holm")[1],
        }
        for name, p in lists
    ]


def persistence_cases():
    return [
        {"needed": needed, "windows": windows, "perWindow": p, "probability": stats.binom.sf(needed - 1, windows, p)}
        for needed, windows in ((1, 1), (1, 3), (2, 3), (3, 3), (2, 2), (3, 5), (5, 24), (24, 24), (1, 168))
        for p in (0, 1e-8, 0.000457, 0.01, 0.05, 0.5, 0.99, 1)
    ]


def conformal_cases():
    cases = []
    for count in (0, 1, 2, 19, 99):
        for digits in (0, 1, 9):
            quiet = random.chisquare(9, count).round(digits)
            for statistic in (0.0, 9.0, 21.0, *(quiet[:2])):
                cases.append({"quiet": quiet, "statistic": statistic, "pValue": (1 + int((quiet >= statistic).sum())) / (1 + count)})
    return cases


def files():
    return {"multiple.json": {"adjusted": adjusted_cases(), "persistence": persistence_cases(), "conformal": conformal_cases()}}
