"""Performance with late labels and without: calibrators, estimates, lags of labels, changes against a reference."""

import numpy as np
from scipy import stats
from sklearn import metrics
from sklearn.isotonic import IsotonicRegression
from statsmodels.duration.survfunc import SurvfuncRight
from statsmodels.stats.proportion import confint_proportions_2indep, proportion_confint

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


def estimated_case(name, scores, probabilities, threshold=0.5):
    """Every row once as a positive of weight p and once as a negative of weight 1 - p."""
    labels = np.repeat([1, 0], len(scores))
    twice = np.concatenate([scores, scores])
    weights = np.concatenate([probabilities, 1 - probabilities])
    called = (twice >= threshold).astype(int)
    w = {"sample_weight": weights}
    matrix = metrics.confusion_matrix(labels, called, labels=[0, 1], **w)
    (tn, fp), (fn, tp) = matrix
    expected = {"accuracy": metrics.accuracy_score(labels, called, **w)}
    if tp + fp > 0:
        expected["precision"] = metrics.precision_score(labels, called, **w)
    if tp + fn > 0:
        expected["recall"] = metrics.recall_score(labels, called, **w)
    if 2 * tp + fp + fn > 0:
        expected["f1"] = metrics.f1_score(labels, called, **w)
    if tn + fp > 0:
        expected["specificity"] = metrics.recall_score(labels, called, pos_label=0, **w)
    if tp + fn > 0 and tn + fp > 0:
        expected["roc_auc"] = metrics.roc_auc_score(labels, twice, **w)
    return {"name": name, "scores": scores, "probabilities": probabilities, "threshold": threshold, "confusion": [tp, fp, fn, tn], "expected": expected}


def estimated_cases():
    cases = [
        estimated_case("one row", np.array([0.7]), np.array([0.7])),
        estimated_case("certain", np.array([0.0, 1.0]), np.array([0.0, 1.0])),
        estimated_case("no positives to be expected", np.array([0.1, 0.6]), np.array([0.0, 0.0])),
        estimated_case("positives only", np.array([0.1, 0.6]), np.array([1.0, 1.0])),
        estimated_case("nothing called", np.array([0.1, 0.2, 0.3]), np.array([0.2, 0.1, 0.4])),
        estimated_case("all tied", np.full(7, 0.5), np.full(7, 0.3)),
    ]
    for rows_count in (5, 20, 60, 150):
        for kind in ("own scores", "ties", "recalibrated", "other scale", "extreme"):
            scores = random.random(rows_count).round(1 if kind == "ties" else 4)
            probabilities = scores if kind in ("own scores", "ties") else scores**2
            threshold = 0.5
            if kind == "other scale":
                scores, threshold = 10 * scores - 4, 1.5
            if kind == "extreme":
                probabilities = scores * 1e-6
            cases.append(estimated_case(f"{kind}, {rows_count} rows", scores, probabilities.round(9), threshold))
    return cases


def lag_case(name, waits, arrived):
    curve = SurvfuncRight(waits, arrived)
    at = [place for place, count in enumerate(curve.n_events) if count > 0]
    lags, missing, errors = curve.surv_times[at], curve.surv_prob[at], curve.surv_prob_se[at]
    z = stats.norm.isf(0.025)
    bounds = []
    for one, error in zip(missing, errors):
        if 0 < one < 1:
            reach = np.exp(z * error / (one * abs(np.log(one))))
            bounds.append([1 - one ** (1 / reach), 1 - one**reach])
        else:
            bounds.append(None)
    return {
        "name": name,
        "waits": waits,
        "arrived": arrived,
        "lags": lags,
        "shares": 1 - missing,
        "errors": errors,
        "bounds": bounds,
        # Where the curve meets a share exactly, rounding decides; those are left out.
        "quantiles": {str(share): curve.quantile(share) for share in (0.1, 0.5, 0.9, 0.95) if np.abs(1 - missing - share).min() > 1e-9},
    }


def lag_cases():
    cases = [
        lag_case("one label", np.array([5]), np.array([1])),
        lag_case("all at once", np.array([7, 7, 7]), np.array([1, 1, 1])),
        lag_case("a label and the end of a wait together", np.array([3, 3, 9]), np.array([1, 0, 1])),
        lag_case("last wait open", np.array([1, 2, 3, 10]), np.array([1, 1, 1, 0])),
        lag_case("in order, all come", np.arange(1, 21), np.ones(20, int)),
    ]
    for rows_count in (6, 25, 80):
        for scale in (3, 50, 1e6):
            for share in (0.1, 0.5, 0.9, 1.0):
                lag, patience = random.exponential(scale, rows_count), random.exponential(scale * 20 * share**4 + 0.1 * scale, rows_count)
                arrived = (lag <= patience) | (share == 1.0)
                waits = np.ceil(np.where(arrived, lag, patience))
                if arrived.sum() == 0:
                    arrived[0] = True
                cases.append(lag_case(f"{rows_count} predictions, scale {scale}, {share}", waits, arrived.astype(int)))
    return cases


def area_and_variance(labels, scores):
    positive, negative = scores[labels == 1], scores[labels == 0]
    won = (positive[:, None] > negative[None, :]) + 0.5 * (positive[:, None] == negative[None, :])
    return won.mean(), won.mean(1).var(ddof=1) / len(positive) + won.mean(0).var(ddof=1) / len(negative)


def change_cases():
    cases = []
    for rows_count, reference_rows in ((40, 200), (150, 1000), (150, 160)):
        for digits in (1, 4):
            for confidence in (0.9, 0.95, 0.999):
                scores = random.random(rows_count).round(digits)
                labels = (random.random(rows_count) < scores).astype(int)
                right = (scores >= 0.5) == (labels == 1)
                losses = {
                    "brier": (scores - labels) ** 2,
                    "log_loss": -np.log(np.clip(np.where(labels == 1, scores, 1 - scores), np.finfo(float).eps, 1 - np.finfo(float).eps)),
                }
                area, variance = area_and_variance(labels, scores)
                reference = {"accuracy": 0.75, "brier": 0.16, "log_loss": 0.5, "roc_auc": 0.84}
                deviation = {"accuracy": np.sqrt(0.75 * 0.25), "brier": 0.2, "log_loss": 0.55, "roc_auc": 0.45}
                expected = {}
                low, high = confint_proportions_2indep(
                    right.sum(), rows_count, int(0.75 * reference_rows), reference_rows, method="newcomb", alpha=2 * (1 - confidence)
                )
                expected["accuracy"] = [right.mean() - 0.75, low, high]
                for metric, loss in losses.items():
                    one, other = loss.var(ddof=1) / rows_count, deviation[metric] ** 2 / reference_rows
                    degrees = (one + other) ** 2 / (one**2 / (rows_count - 1) + other**2 / (reference_rows - 1))
                    reach = stats.t.isf(1 - confidence, degrees) * np.sqrt(one + other)
                    gain = reference[metric] - loss.mean()
                    expected[metric] = [gain, gain - reach, gain + reach]
                reach = stats.norm.isf(1 - confidence) * np.sqrt(variance + deviation["roc_auc"] ** 2 / reference_rows)
                expected["roc_auc"] = [area - 0.84, area - 0.84 - reach, area - 0.84 + reach]
                cases.append({
                    "name": f"{rows_count} rows of {digits} digits against {reference_rows} at {confidence}",
                    "labels": labels,
                    "answers": scores,
                    "confidence": confidence,
                    "reference": {"rows": reference_rows, "metrics": reference, "perRowDeviation": deviation},
                    "expected": expected,
                })
    return cases


def gap_of(labels, probabilities, members):
    return sum(abs((probabilities[rows] - labels[rows]).sum()) for rows in members) / len(labels)


def calibration_case(name, labels, probabilities, cells):
    count = len(labels)
    order = np.argsort(probabilities, kind="stable")
    edges = [k * count // cells for k in range(cells + 1)]
    by_mass = [order[low:high] for low, high in zip(edges, edges[1:])]
    widths = np.minimum(np.searchsorted(np.arange(cells) / cells, probabilities, side="right") - 1, cells - 1)
    by_width = [np.flatnonzero(widths == cell) for cell in range(cells)]
    variance = ((1 - 2 * probabilities) ** 2 * probabilities * (1 - probabilities)).sum()
    z = ((labels - probabilities) * (1 - 2 * probabilities)).sum() / np.sqrt(variance) if variance > 0 else np.nan
    expected = {
        "byWidth": gap_of(labels, probabilities, by_width),
        "byMass": gap_of(labels, probabilities, by_mass),
        "ratio": labels.sum() / probabilities.sum() if probabilities.sum() > 0 else np.nan,
        "z": z,
        "p": 2 * stats.norm.sf(abs(z)),
    }
    return {"name": name, "labels": labels, "probabilities": probabilities, "cells": cells, "expected": expected}


def calibration_cases():
    cases = [
        calibration_case("one row", np.array([1]), np.array([0.3]), 10),
        calibration_case("certain and right", np.array([0, 1, 1]), np.array([0.0, 1.0, 1.0]), 5),
        calibration_case("certain and wrong", np.array([1, 0]), np.array([0.0, 1.0]), 5),
        calibration_case("nothing expected", np.array([0, 1]), np.array([0.0, 0.0]), 5),
        calibration_case("halves", np.array([0, 1, 1]), np.array([0.5, 0.5, 0.5]), 4),
    ]
    for rows_count in (4, 30, 120):
        for cells in (1, 5, 10):
            for kind in ("true", "bent", "edges", "far off"):
                probabilities = random.random(rows_count).round(2 if kind == "edges" else 5)
                truth = {"bent": probabilities**2, "far off": 1 - probabilities}.get(kind, probabilities)
                labels = (random.random(rows_count) < truth).astype(int)
                cases.append(calibration_case(f"{kind}, {rows_count} rows, {cells} cells", labels, probabilities, cells))
    return cases


def zero_event_cases():
    return [
        {"rows": count, "confidence": confidence, "bound": proportion_confint(0, count, alpha=2 * (1 - confidence), method="beta")[1]}
        for count in (1, 2, 17, 300, 40_000, 10_000_000)
        for confidence in (0.9, 0.95, 0.999)
    ]


def files():
    groups = {
        "isotonic": isotonic_cases(),
        "estimated": estimated_cases(),
        "lags": lag_cases(),
        "changes": change_cases(),
        "calibration": calibration_cases(),
        "zeroEvents": zero_event_cases(),
    }
    return {"performance.json": groups}
