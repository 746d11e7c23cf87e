"""What Evidently's own preset says by its defaults, column by column and of data sets, and its distances by name.

It wants another pandas than the rest may have, so it runs in an environment of its own; elsewhere this topic is left as it is:

    python3 -m venv .cache/evidently && .cache/evidently/bin/pip install -r test/golden/requirements-evidently.txt
    .cache/evidently/bin/python test/golden/make.py evidently

Samples are recipes, so that a few numbers stand for thousands of rows: uniforms by mulberry32 (see `sample`).
"""

import os

import numpy as np

os.environ["DO_NOT_TRACK"] = "1"
try:
    import pandas as pd
    from evidently import DataDefinition, Dataset, Report
    from evidently.metrics import ValueDrift
    from evidently.presets import DataDriftPreset
except ImportError:
    pd = None


def uniforms(seed):
    state, mask = seed, 0xFFFFFFFF
    while True:
        state = (state + 0x6D2B79F5) & mask
        mixed = ((state ^ (state >> 15)) * (state | 1)) & mask
        mixed ^= (mixed + ((mixed ^ (mixed >> 7)) * (mixed | 61) & mask)) & mask
        yield ((mixed ^ (mixed >> 14)) & mask) / 2**32


def sample(recipe):
    """A row is shift + scale * (sum of `draws` uniforms), or floor(levels * product of `draws` uniforms) * scale + shift."""
    chance = uniforms(recipe["seed"])
    values = []
    for row in range(recipe["rows"]):
        drawn = [next(chance) for _ in range(recipe["draws"])]
        base = np.floor(recipe["levels"] * np.prod(drawn)) if "levels" in recipe else sum(drawn)
        values.append(recipe["shift"] + recipe["scale"] * base)
    for position, value in recipe.get("instead", []):
        values[position] = {"missing": np.nan, "infinite": np.inf, "far": 1e6}[value]
    return values


def smooth(seed, rows, shift=0.0, scale=1.0, draws=3, **more):
    return {"seed": seed, "rows": rows, "draws": draws, "shift": shift, "scale": scale, **more}


def levels(seed, rows, count, draws=1, shift=0, scale=1, **more):
    return {"seed": seed, "rows": rows, "draws": draws, "levels": count, "shift": shift, "scale": scale, **more}


def column_recipes():
    yield "numeric", smooth(1, 100), smooth(2, 80)
    yield "numeric", smooth(3, 100), smooth(4, 80, 0.3)
    yield "numeric", smooth(5, 1000), smooth(6, 300, 0.05)
    yield "numeric", smooth(7, 1000), smooth(8, 5000, 0.02)
    yield "numeric", smooth(9, 500), smooth(10, 12_000, 0.02)
    yield "numeric", smooth(11, 1000), smooth(12, 11_000)
    yield "numeric", smooth(13, 900), smooth(14, 10_001, 0.2)
    yield "numeric", smooth(15, 30), smooth(16, 10_500, 0.6)
    # n m / (n + m) is 616.5, which is rounded to the even neighbour.
    yield "numeric", smooth(33, 657), smooth(34, 10001, 0.05)
    yield "numeric", smooth(17, 1), smooth(18, 6)
    yield "numeric", smooth(19, 1001), smooth(20, 50)
    yield "numeric", smooth(21, 1500), smooth(22, 700, 0.1)
    yield "numeric", smooth(23, 1500, 0, 1e-5), smooth(24, 700, 1e-6, 1e-5)
    yield "numeric", smooth(25, 2000, 1e6, 100.0), smooth(26, 100, 1e6, 150.0)
    yield "numeric", smooth(27, 2000), smooth(28, 100, instead=[[3, "far"]])
    yield "numeric", smooth(29, 1005, instead=[[k, "missing"] for k in range(10)]), smooth(30, 200)
    yield "numeric", smooth(31, 1200, instead=[[0, "infinite"], [1, "missing"]]), smooth(32, 300, 0.1, instead=[[5, "missing"], [7, "infinite"]])
    for rows in (300, 3000):
        yield "numeric", levels(40, rows, 1, 1, 5), levels(41, 100, 1, 1, 5)
        yield "numeric", levels(42, rows, 1, 1, 5), levels(43, 100, 1, 1, 6)
        yield "numeric", levels(44, rows, 2), levels(45, 250, 2)
        yield "numeric", levels(46, rows, 2), levels(47, 250, 2, 2)
        yield "numeric", levels(48, rows, 5), levels(49, 250, 5)
        yield "numeric", levels(50, rows, 5), levels(51, 250, 5, 2)
        yield "numeric", levels(52, rows, 5), levels(53, 250, 6)
        yield "numeric", levels(54, rows, 12), levels(55, 400, 12, 2)
        yield "numeric", levels(56, rows, 40), levels(57, 400, 40)
        yield "categorical", levels(60, rows, 1), levels(61, 100, 1)
        yield "categorical", levels(62, rows, 2), levels(63, 100, 2)
        yield "categorical", levels(64, rows, 2), levels(65, 100, 2, 2)
        yield "categorical", levels(66, rows, 1), levels(67, 100, 2)
        yield "categorical", levels(68, rows, 4), levels(69, 400, 4)
        yield "categorical", levels(70, rows, 4, 2), levels(71, 400, 4, 2)
        yield "categorical", levels(72, rows, 12, 2), levels(73, 150, 12, 2)
        yield "categorical", levels(74, rows, 3), levels(75, 400, 4)
        yield "categorical", levels(76, rows, 30), levels(77, 400, 30)
        yield "categorical", levels(78, rows, 4, instead=[[2, "missing"]]), levels(79, 90, 4, 2, instead=[[1, "missing"], [2, "missing"]])


def values_of(kind, recipe):
    numbers = sample(recipe)
    return numbers if kind == "numeric" else [None if np.isnan(one) else f"v{int(one)}" for one in numbers]


def table_of(kinds, recipes):
    definition = DataDefinition(
        numerical_columns=[f"c{i}" for i, kind in enumerate(kinds) if kind != "categorical"],
        categorical_columns=[f"c{i}" for i, kind in enumerate(kinds) if kind == "categorical"],
    )
    frame = pd.DataFrame({f"c{i}": values_of(kind, recipe) for i, (kind, recipe) in enumerate(zip(kinds, recipes))})
    return Dataset.from_pandas(frame, definition)


NAMES = {
    "K-S p_value": "ks",
    "chi-square p_value": "chi-square",
    "Z-test p_value": "z",
    "Wasserstein distance (normed)": "wasserstein",
    "Jensen-Shannon distance": "jensen-shannon",
}


def run(metrics, kinds, references, currents):
    found = Report(metrics, include_tests=True).run(table_of(kinds, currents), table_of(kinds, references)).dict()
    drifts = [test["status"] == "FAIL" for test in found["tests"] if test["id"] == "drift"]
    return found, drifts


def twelve_digits(score):
    """It adds up categories in the order of a set, which is another one in every process."""
    return float(f"{score:.12g}")


def column_cases():
    cases = []
    for kind, reference, current in column_recipes():
        found, (drift,) = run([ValueDrift(column="c0")], [kind], [reference], [current])
        metric = found["metrics"][0]
        cases.append({
            "kind": kind, "reference": reference, "current": current, "test": NAMES[metric["config"]["method"]],
            "threshold": metric["config"]["threshold"], "score": twelve_digits(metric["value"]), "isDrift": drift,
        })
    return cases


def named_cases():
    """Distances that are asked for by name, which put numbers into cells first."""
    pairs = [
        (smooth(80, 500), smooth(81, 300)),
        (smooth(82, 500), smooth(83, 300, 0.4)),
        (smooth(84, 5000), smooth(85, 40, 0.1)),
        (smooth(86, 300), smooth(87, 300, instead=[[3, "far"]])),
        (levels(88, 400, 60), levels(89, 400, 60, 2)),
        (levels(90, 400, 15), levels(91, 200, 18, 2)),
        (levels(92, 20_000, 50, 4), levels(93, 20_000, 50, 4)),
        (levels(94, 30_000, 200, 5), levels(95, 12_000, 260, 5)),
        (levels(96, 2000, 41, 1, -3, 0.1), levels(97, 1500, 41, 1, -3, 0.1)),
        (levels(98, 800, 61, 1, 0.7, 0.3), levels(99, 700, 61, 1, 0.7, 0.3)),
    ]
    cases = []
    for reference, current in pairs:
        case = {"reference": reference, "current": current}
        for method in ("jensenshannon", "psi"):
            found, _ = run([ValueDrift(column="c0", method=method)], ["numeric"], [reference], [current])
            case[method] = twelve_digits(found["metrics"][0]["value"])
        cases.append(case)
    return cases


def data_set_cases():
    sets = [
        (("numeric", smooth(100, 1500), smooth(101, 300)), ("numeric", smooth(102, 1500), smooth(103, 300, 0.5))),
        (("numeric", smooth(104, 1500), smooth(105, 300)), ("numeric", smooth(106, 1500), smooth(107, 300)), ("categorical", levels(108, 1500, 3), levels(109, 300, 3, 2))),
        (("numeric", smooth(110, 400), smooth(111, 300, 0.5)), ("categorical", levels(112, 400, 3), levels(113, 300, 3, 2)), ("categorical", levels(114, 400, 2), levels(115, 300, 2))),
    ]
    cases = []
    for columns in sets:
        kinds, references, currents = zip(*columns)
        found, drifts = run([DataDriftPreset()], kinds, references, currents)
        count = found["metrics"][0]["value"]
        cases.append({
            "columns": [{"kind": kind, "reference": one, "current": two} for kind, one, two in columns],
            "columnDrift": drifts, "drifted": count["count"], "share": count["share"],
            "isDrift": any(test["status"] == "FAIL" for test in found["tests"] if test["id"] == "lt"),
        })
    return cases


def files():
    if pd is None:
        print("evidently.json is left as it is: Evidently is not in this environment")
        return {}
    return {"evidently.json": {"columns": column_cases(), "named": named_cases(), "dataSets": data_set_cases()}}
