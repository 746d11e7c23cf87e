"""The Mann-Whitney test as SciPy has it; shift and interval by trying every shift."""

import numpy as np
from scipy import stats

random = np.random.default_rng(20010132)


def test(control, experiment):
    return stats.mannwhitneyu(experiment, control, method="asymptotic", use_continuity=True)


def interval(control, experiment, confidence):
    """Shifts between two neighbouring differences all give the same test; those that it does not reject are the interval."""
    differences = np.unique(experiment[:, None] - control[None, :])
    edges = np.concatenate([[differences[0] - 1], differences, [differences[-1] + 1]])
    kept = [
        (low, high)
        for low, high in zip(edges[:-1], edges[1:])
        if test(control, experiment - (low + high) / 2).pvalue >= 1 - confidence
    ]
    if not kept:  # Only the difference that all pairs share, where everything ties.
        return differences[0], differences[-1]
    return max(kept[0][0], differences[0]), min(kept[-1][1], differences[-1])


def cases():
    # Multiples of 1/8: differences are exact, and so are ties.
    worlds = [
        ([1.0], [2.0]), ([1.0, 1, 1], [1.0, 1, 1]), ([1.0, 1, 1, 1], [2.0, 2, 2, 2, 2]), ([0.0, 1], [5.0, 6, 7]),
    ]
    for n, m in [(5, 5), (12, 12), (30, 7), (60, 60), (8, 41), (3, 100)]:
        for shift in (0, 0.5, 2):
            for grain in (8, 1):
                control = np.round(random.normal(10, 2, n) * grain) / grain
                experiment = np.round((random.normal(10, 2, m) + shift) * grain) / grain
                worlds.append((control, experiment))
    found = []
    for control, experiment in worlds:
        control, experiment = np.array(control), np.array(experiment)
        result = test(control, experiment)
        bounds = {str(c): interval(control, experiment, c) for c in (0.8, 0.98)} if len(control) * len(experiment) < 700 else {}
        found.append({
            "control": control, "experiment": experiment, "u": result.statistic,
            "p": result.pvalue if np.ptp(np.concatenate([control, experiment])) > 0 else 1.0,
            "shift": np.median(experiment[:, None] - control[None, :]), "bounds": bounds,
        })
    return found


def files():
    return {"kayenta.json": {"mannWhitney": cases()}}
