"""The job as this trainer understands it: its parameters checked, its files opened."""

import json
import os
import signal
import stat
import threading
import time
from dataclasses import dataclass

import lightgbm
import numpy as np

SUCCESS, BAD_JOB, TEMPORARY_TROUBLE, CANCELLED = 0, 64, 75, 130

# The first objective of a task is its default; the others can be exported as well.
OBJECTIVES = {
    "binary": ("binary", "cross_entropy"),
    "multiclass": ("multiclass",),
    "regression": (
        "regression", "regression_l1", "huber", "fair", "quantile", "mape", "poisson", "gamma", "tweedie",
    ),
}  # fmt: skip
METRICS = {
    "binary": ["binary_logloss", "auc"],
    "multiclass": ["multi_logloss", "multi_error"],
    "regression": ["rmse", "l1"],
}

# Parameters of this trainer itself, with their defaults.
OWN = {"num_iterations": 200, "checkpoint_every": 100, "validation_share": 0.05, "early_stopping_round": 0}

# Given by the job, or by what can be exported. Refused, as quietly ignoring them would mislead.
RESERVED = {
    "seed": "it is training.seed",
    "num_threads": "it is PERENNIAL_THREADS of the worker",
    "task": "it follows from data.label",
    "num_class": "it follows from data.label",
    "metric": "progress reports fixed metrics; the gate computes its own",
    "categorical_feature": "categories are encoded by features.inputs",
    "linear_tree": "linear leaves cannot be exported",
    "reg_sqrt": "it cannot be exported",
    "data": "the job names its files",
    "valid": "see validation_share",
    "input_model": "checkpoints are handled by the trainer",
    "output_model": "the job names its files",
    "deterministic": "it is always on",
    "force_col_wise": "the row-wise way is used, for equal results on every machine",
    "force_row_wise": "it is always on",
}


class BadJob(Exception):
    pass


class StopWanted(Exception):
    pass


@dataclass
class Job:
    raw: dict
    own: dict
    params: dict
    features: np.ndarray
    labels: np.ndarray

    @property
    def task(self):
        return self.raw["task"]

    @property
    def key(self):
        return self.raw["trainingKey"]


def say(event, **fields):
    try:
        print(json.dumps({"event": event, **fields}, allow_nan=False), flush=True)
    except BrokenPipeError:
        # Nobody reads our lines any more: whoever launched us is gone.
        raise StopWanted from None


def alias_table():
    """Every name that LightGBM knows, to its main name."""
    table = {}
    for main, aliases in lightgbm.basic._ConfigAliases._get_all_param_aliases().items():
        for alias in (main, *aliases):
            table[alias] = main
    return table


def number_of(name, value, least, most):
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not least <= value <= most:
        raise BadJob(f'Cannot use parameter "{name}" as it must be a number from {least} to {most}: it is {value!r}')
    return value


def split_parameters(given):
    """This trainer's own parameters, and those for LightGBM under their main names."""
    known = alias_table()
    own, params = dict(OWN), {}
    for name, value in given.items():
        main = name if name in OWN else known.get(name)
        if main is None:
            raise BadJob(f'Cannot use parameter "{name}" as LightGBM {lightgbm.__version__} knows no such one')
        if main in RESERVED:
            raise BadJob(f'Cannot use parameter "{name}" as it must not be set here: {RESERVED[main]}')
        (own if main in OWN else params)[main] = value
    own["num_iterations"] = int(number_of("num_iterations", own["num_iterations"], 1, 100_000))
    own["checkpoint_every"] = int(number_of("checkpoint_every", own["checkpoint_every"], 1, 100_000))
    own["validation_share"] = number_of("validation_share", own["validation_share"], 0, 0.5)
    own["early_stopping_round"] = int(number_of("early_stopping_round", own["early_stopping_round"], 0, 100_000))
    return own, params


def native_parameters(raw, params):
    allowed = OBJECTIVES[raw["task"]]
    objective = params.get("objective", allowed[0])
    if objective not in allowed:
        raise BadJob(f'Cannot use objective "{objective}" as it must be one of {", ".join(allowed)}')
    fixed = {"objective": objective, "metric": METRICS[raw["task"]], "seed": raw["seed"], "num_threads": raw["threads"],
             "deterministic": True, "force_row_wise": True, "verbosity": -1}  # fmt: skip
    if raw["task"] == "multiclass":
        fixed["num_class"] = len(raw["classes"])
    return {**params, **fixed}


def open_array(path, shape):
    array = np.load(path, mmap_mode="r", allow_pickle=False)
    if array.dtype != np.float32 or array.shape != shape:
        raise BadJob(f'Cannot train on "{path}" as it must be float32 {shape}: it is {array.dtype} {array.shape}')
    return array


def check_labels(raw, labels):
    wrong = ~np.isfinite(labels)
    if raw["task"] != "regression":
        wrong |= (labels != np.floor(labels)) | (labels < 0) | (labels >= len(raw["classes"]))
    if wrong.any():
        row = int(np.argmax(wrong))
        must = "finite" if raw["task"] == "regression" else f"a class index below {len(raw['classes'])}"
        raise BadJob(f"Cannot train as a label must be {must}: row {row} has {labels[row]}")


def read_job(path):
    with open(path, encoding="utf-8") as file:
        raw = json.load(file)
    if raw.get("format") != 1:
        raise BadJob(f"Cannot read the job as its format must be 1: it is {raw.get('format')!r}")
    own, params = split_parameters(raw["parameters"])
    rows = raw["train"]["rows"]
    if rows < 1:
        raise BadJob("Cannot train as at least one row is needed: the job has none")
    features = open_array(raw["train"]["features"], (rows, len(raw["columns"])))
    labels = np.asarray(open_array(raw["train"]["labels"], (rows,)))
    check_labels(raw, labels)
    return Job(raw, own, native_parameters(raw, params), features, labels)


class Stop:
    """Learns of SIGTERM, and of the death of whoever launched us: standard input closes then."""

    # One round of a very large job; whoever could have killed us is gone by then.
    patience_seconds = 60

    def __init__(self):
        self.event = threading.Event()
        signal.signal(signal.SIGTERM, lambda *_: self.event.set())
        signal.signal(signal.SIGINT, lambda *_: self.event.set())
        mode = os.fstat(0).st_mode
        # A terminal or /dev/null says nothing about a parent.
        if stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode):
            threading.Thread(target=self._watch_input, daemon=True).start()

    def _watch_input(self):
        while os.read(0, 4096):
            pass
        self.event.set()
        time.sleep(self.patience_seconds)
        os._exit(CANCELLED)

    def check(self):
        if self.event.is_set():
            raise StopWanted
