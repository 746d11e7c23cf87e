"""Writes the golden files beside it from SciPy, scikit-learn and statsmodels.

    python3 -m venv /tmp/golden && /tmp/golden/bin/pip install -r test/golden/requirements.txt
    /tmp/golden/bin/python test/golden/make.py

The answers do not depend on our code. vectors.json is not written here: it holds the vectors that the design fixed.
"""

import json
import pathlib
import warnings

import numpy as np
from scipy import special, stats
from sklearn import metrics
from statsmodels.stats.contingency_tables import mcnemar

HERE = pathlib.Path(__file__).parent
random = np.random.default_rng(20010101)


def plain(value):
    """JSON-safe: numpy to Python, what is not a number to null."""
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, np.ndarray)):
        return [plain(item) for item in value]
    if isinstance(value, (np.integer, int)):
        return int(value)
    if isinstance(value, (np.floating, float)):
        return float(value) if np.isfinite(value) else None
    return value


def write(name, content):
    lines = ",\n".join(f"{json.dumps(key)}: [\n{rows(cases)}\n]" for key, cases in content.items())
    (HERE / name).write_text("{\n" + lines + "\n}\n")


def rows(cases):
    return ",\n".join(json.dumps(plain(case), separators=(",", ":")) for case in cases)


def special_functions():
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


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    write("special.json", special_functions())
    ranks, quantiles = rank_cases()
    write("metrics.json", {"metrics": binary_cases() + multiclass_cases() + regression_cases(), "ranks": ranks, "quantiles": quantiles})
    write("comparisons.json", comparison_cases())
