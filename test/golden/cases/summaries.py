"""Summaries that merge: cells, edges, moments, and sketches straight from their definition in long arithmetic."""

from decimal import Decimal, getcontext

import numpy as np

getcontext().prec = 50
random = np.random.default_rng(20010103)


def samples():
    yield "one", [3.5]
    yield "constant", [7.25] * 12
    yield "two values", [0, 1] * 20
    yield "negative", [-5, -4.5, -1e-9, -0.25]
    yield "ends", [-1e9, 0, 1e-12, 1e9]
    yield "large mean", (1e9 + random.normal(0, 1, 50)).round(6).tolist()
    yield "small", (1e-12 * random.normal(0, 1, 30)).tolist()
    yield "heavy zero", [0.0] * 30 + random.exponential(4, 30).round(3).tolist()
    yield "ties", random.integers(0, 6, 80).tolist()
    yield "skewed", random.lognormal(0, 3, 120).round(6).tolist()
    yield "plain", random.normal(10, 3, 200).round(4).tolist()


def moments(values):
    exact = [Decimal(value) for value in values]
    mean = sum(exact) / len(exact)
    return {"count": len(values), "mean": float(mean), "squaredDeviations": float(sum((x - mean) ** 2 for x in exact)),
            "min": min(values), "max": max(values)}


def moment_cases():
    cases = []
    for name, values in samples():
        for cut in sorted({0, 1, len(values) // 3, len(values)}):
            cases.append({"name": name, "left": values[:cut], "right": values[cut:], "expected": moments(values)})
    return cases


def cell_cases():
    cases = []
    for name, values in samples():
        for edges in ([], [0], sorted(set(np.quantile(values, [0.1, 0.5, 0.9], method="inverted_cdf").tolist()))):
            # Searched from the left, a value at an edge goes below it: cells are (low, high].
            cells = np.bincount(np.searchsorted(edges, values, side="left"), minlength=len(edges) + 1)
            cases.append({"name": name, "edges": edges, "values": values, "cells": cells})
    return cases


def edge_cases():
    cases = []
    for name, values in samples():
        for cells in (2, 4, 10):
            quantiles = np.quantile(values, np.arange(1, cells) / cells, method="inverted_cdf")
            found, counts = np.unique(values, return_counts=True)
            heavy = found[counts > len(values) / cells]
            edges = np.unique(np.concatenate([quantiles, heavy, np.nextafter(heavy, -np.inf)]))
            cases.append({"name": name, "values": values, "cells": cells, "heavy": heavy, "edges": edges})
    return cases


def sketch_cases():
    cases = []
    for alpha in (0.001, 0.01, 0.05, 0.2):
        gamma = (1 + Decimal(alpha)) / (1 - Decimal(alpha))
        for size in (1e-299, 1e-12, 0.0031, 0.5, 1, 1.0000001, 2, 9.99, 123.456, 60_000, 1e12, 1.7e308):
            index = int((Decimal(size).ln() / gamma.ln()).to_integral_value(rounding="ROUND_CEILING"))
            cases.append({"alpha": alpha, "size": size, "index": index, "estimate": float(2 * gamma**index / (gamma + 1))})
    return cases


def files():
    return {"summaries.json": {"moments": moment_cases(), "cells": cell_cases(), "edges": edge_cases(), "sketch": sketch_cases()}}
