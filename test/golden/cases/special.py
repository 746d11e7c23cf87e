"""Special functions: log-gamma, incomplete gamma and beta, normal, chi-square, binomial."""

import numpy as np
from scipy import special, stats


def functions():
    shapes = [0.01, 0.5, 1, 1.5, 2.5, 7, 30, 100, 1234.5, 5000, 1e5]
    gamma = [
        {"shape": a, "x": x, "lower": special.gammainc(a, x), "upper": special.gammaincc(a, x)}
        for a in shapes
        for x in sorted({a * f for f in (0.01, 0.3, 0.9, 0.99, 1, 1.01, 1.1, 2, 5)} | {a + 3 * np.sqrt(a)})
    ]
    pairs = [(0.5, 0.5), (1, 1), (0.1, 3), (2, 3), (5, 0.5), (30, 70), (400, 3), (1e3, 1e3), (1, 1e5), (12345, 678), (1e5, 1e5)]
    beta = []
    for a, b in pairs:
        mean = a / (a + b)
        width = np.sqrt(mean * (1 - mean) / (a + b + 1))
        for x in {1e-3, 0.25, 0.5, 0.75, 0.999, mean, mean - width, mean + width, mean + 4 * width, mean - 4 * width}:
            if 0 < x < 1:
                beta.append({"a": a, "b": b, "x": x, "lower": special.betainc(a, b, x), "upper": special.betaincc(a, b, x)})
    log_gamma = [{"x": x, "value": special.gammaln(x)} for x in [1e-5, 0.1, 0.5, 0.999, 1, 1.5, 2, 2.001, 3, 9.99, 10, 25.5, 171, 1e4, 1e8]]
    z = [0, 1e-8, 0.1, 0.5, 1, 1.5, 1.6448536269514722, 1.959963984540054, 2.5, 3, 4, 5, 6.5, 8, 12, 20, 37]
    normal = [{"z": s * v, "lower": stats.norm.cdf(s * v), "upper": stats.norm.sf(s * v)} for v in z for s in (1, -1)]
    share = [1e-300, 1e-100, 1e-20, 1e-9, 1e-5, 0.001, 0.01, 0.025, 0.05, 0.1, 0.2, 0.4, 0.4999, 0.5, 0.6, 0.9, 0.975, 0.999999]
    quantile = [{"probability": p, "z": stats.norm.isf(p)} for p in share]
    chi = [{"x": x, "df": df, "upper": stats.chi2.sf(x, df)} for df in (1, 2, 3, 10, 99) for x in (0.001, 0.5, 1, 3.84, 10, 40, 200)]
    binomial = [
        {"k": k, "n": n, "p": p, "pmf": stats.binom.pmf(k, n, p), "lower": stats.binom.cdf(k, n, p)}
        for n in (1, 2, 7, 37, 400, 10_000)
        for p in (0.5, 0.03, 0.9)
        for k in sorted({0, 1, n // 3, n // 2, n - 1, n})
    ]
    return {"logGamma": log_gamma, "gamma": gamma, "beta": beta, "normal": normal, "quantile": quantile, "chiSquare": chi, "binomial": binomial}


def files():
    return {"special.json": functions()}
