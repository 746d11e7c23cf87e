"""Metrics of one model, ranks and quantiles."""

import numpy as np
from scipy import stats
from sklearn import metrics

random = np.random.default_rng(20010101)


def binary_metrics(labels, scores, weights=None):
    predicted = (scores >= 0.5).astype(int)
    both = 0 < labels.sum() < len(labels) if weights is None else len(set(labels[weights > 0])) == 2
    w = {"sample_weight": weights}
    called = (predicted * (1 if weights is None else weights)).sum()
    actual = (labels * (1 if weights is None else weights)).sum()
    nothing = np.nan
    return {
        "roc_auc": metrics.roc_auc_score(labels, scores, **w) if both else nothing,
        "pr_auc": metrics.average_precision_score(labels, scores, **w) if actual else nothing,
        "accuracy": metrics.accuracy_score(labels, predicted, **w),
        "log_loss": metrics.log_loss(labels, scores, labels=[0, 1], **w),
        "brier": metrics.brier_score_loss(labels, scores, pos_label=1, labels=[0, 1], **w),
        "precision": metrics.precision_score(labels, predicted, **w) if called else nothing,
        "recall": metrics.recall_score(labels, predicted, **w) if actual else nothing,
        "f1": metrics.f1_score(labels, predicted, **w) if called + actual else nothing,
    }


def binary_cases():
    cases = []
    for rows_count in (1, 2, 3, 5, 20, 60):
        for kind in ("plain", "ties", "constant", "ones", "zeros", "certain", "weights"):
            labels = random.integers(0, 2, rows_count)
            scores = random.random(rows_count).round(4)
            weights = None
            if kind == "ties":
                scores = scores.round(1)
            if kind == "constant":
                scores = np.full(rows_count, 0.5)
            if kind == "ones":
                labels[:] = 1
            if kind == "zeros":
                labels[:] = 0
            if kind == "certain":
                scores = scores.round(0)
            if kind == "weights":
                weights = np.bincount(random.integers(0, rows_count, rows_count), minlength=rows_count).astype(float)
            case = {"name": f"{kind} {rows_count}", "task": "binary", "classes": 2, "labels": labels, "answers": scores}
            if weights is not None:
                case["weights"] = weights
            case["expected"] = binary_metrics(labels, scores, weights)
            cases.append(case)
    return cases


def multiclass_cases():
    cases = []
    for rows_count in (2, 6, 30, 90):
        for classes in (3, 5):
            labels = random.integers(0, classes, rows_count)
            answers = random.dirichlet(np.ones(classes), rows_count)
            every = np.arange(classes)
            whole = len(set(labels)) == classes
            macro = metrics.precision_recall_fscore_support(labels, answers.argmax(1), average="macro", zero_division=0)
            cases.append({
                "name": f"{classes} classes, {rows_count} rows",
                "task": "multiclass",
                "classes": classes,
                "labels": labels,
                "answers": answers.ravel(),
                "expected": {
                    "roc_auc": metrics.roc_auc_score(labels, answers, multi_class="ovr", labels=every) if whole else np.nan,
                    "pr_auc": metrics.average_precision_score(np.eye(classes)[labels], answers) if whole else np.nan,
                    "accuracy": metrics.accuracy_score(labels, answers.argmax(1)),
                    "log_loss": metrics.log_loss(labels, answers, labels=every),
                    "brier": metrics.brier_score_loss(labels, answers, labels=every),
                    "precision": macro[0],
                    "recall": macro[1],
                    "f1": macro[2],
                },
            })
    return cases


def regression_cases():
    cases = []
    for rows_count in (1, 2, 3, 8, 41, 200):
        for kind in ("plain", "constant", "exact", "large", "weights"):
            labels = random.normal(10, 3, rows_count).round(3)
            answers = (labels + random.normal(0, 1, rows_count)).round(3)
            if kind == "constant":
                labels[:] = 7
            if kind == "exact":
                answers = labels
            if kind == "large":
                labels, answers = labels + 1e6, answers + 1e6
            weights = None
            if kind == "weights":
                weights = np.bincount(random.integers(0, rows_count, rows_count), minlength=rows_count).astype(float)
            spread = len(set(labels if weights is None else labels[weights > 0])) > 1
            repeat = np.ones(rows_count, int) if weights is None else weights.astype(int)
            case = {"name": f"{kind} {rows_count}", "task": "regression", "classes": 0, "labels": labels, "answers": answers}
            if weights is not None:
                case["weights"] = weights
            case["expected"] = {
                "rmse": metrics.root_mean_squared_error(labels, answers, sample_weight=weights),
                "mae": metrics.mean_absolute_error(labels, answers, sample_weight=weights),
                "r2": metrics.r2_score(labels, answers, sample_weight=weights) if spread else np.nan,
                "median_absolute_error": metrics.median_absolute_error(np.repeat(labels, repeat), np.repeat(answers, repeat)),
            }
            cases.append(case)
    return cases


def rank_cases():
    lists = [[], [3], [2, 2], [1, 2, 3], [3, 2, 1], [1, 1, 2, 2, 2, -1], random.integers(0, 9, 40).tolist(), random.random(15).round(3).tolist()]
    shares = (0, 0.05, 0.25, 0.5, 0.9, 1)
    ranks = [{"values": values, "ranks": stats.rankdata(values) if values else []} for values in lists]
    quantiles = [
        {"sorted": sorted(values), "share": share, "value": np.quantile(values, share)} for values in lists if values for share in shares
    ]
    return ranks, quantiles


def files():
    ranks, quantiles = rank_cases()
    return {"metrics.json": {"metrics": binary_cases() + multiclass_cases() + regression_cases(), "ranks": ranks, "quantiles": quantiles}}
