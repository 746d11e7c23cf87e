"""Performance with late labels and without: calibrators."""

import numpy as np
from sklearn.isotonic import IsotonicRegression

random = np.random.default_rng(20010104)


def isotonic_case(name, labels, scores, weights=None):
    model = IsotonicRegression(out_of_bounds="clip").fit(scores, labels, sample_weight=weights)
    case = {"name": name, "labels": labels, "scores": scores, "probabilities": model.predict(scores)}
    if weights is not None:
        case["weights"] = weights
    return case


def isotonic_cases():
    cases = [
        isotonic_case("two rows in order", np.array([0, 1]), np.array([0.2, 0.8])),
        isotonic_case("two rows out of order", np.array([1, 0]), np.array([0.2, 0.8])),
        isotonic_case("one score", np.array([0, 1, 1]), np.array([0.5, 0.5, 0.5])),
        isotonic_case("negative scores", np.array([0, 1, 0, 1]), np.array([-3.0, -2.0, -1.0, 5.0])),
    ]
    for rows_count in (5, 12, 40, 90):
        for kind in ("plain", "ties", "upside down", "weights", "far apart"):
            scores = random.random(rows_count).round(1 if kind == "ties" else 5)
            labels = (random.random(rows_count) < (1 - scores if kind == "upside down" else scores)).astype(int)
            labels[:2] = [0, 1]
            weights = random.exponential(size=rows_count).round(3) + 0.001 if kind == "weights" else None
            if kind == "far apart":
                scores = scores * 1e9 - 3e8
            cases.append(isotonic_case(f"{kind}, {rows_count} rows", labels, scores, weights))
    return cases


def files():
    return {"performance.json": {"isotonic": isotonic_cases()}}
