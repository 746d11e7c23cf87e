"""
Trains a small model with LightGBM, writes it as ONNX with the trainer's own converter, and asks LightGBM itself for answers
to rows that are hard to convert for: missing values where training had none, zeros, infinities, the thresholds themselves and
their neighbours. Arguments: folder of the trainer, folder to write to, a case as JSON.
"""

import json
import os
import sys

sys.path.insert(0, sys.argv[1])
import lightgbm
import numpy as np

import trees

folder, case = sys.argv[2], json.loads(sys.argv[3])
task, missing = case["task"], case["missing"]
rows, columns = 600, 5
numbers = np.random.default_rng(3)
features = numbers.normal(size=(rows, columns)).astype(np.float32)
features[:, 1] = np.round(features[:, 1] * 2)
features[:, 2] *= np.float32(1e6)
features[:, 3] = (features[:, 3] > 0.5).astype(np.float32)
if missing:
    features[numbers.random((rows, columns)) < 0.15] = np.nan
signal = np.nan_to_num(features[:, 0]) + np.nan_to_num(features[:, 1]) * 0.3 + np.nan_to_num(features[:, 2]) * 2e-7
labels = {
    "binary": lambda: (signal > 0).astype(np.float32),
    "multiclass": lambda: np.digitize(signal, [-0.5, 0.5]).astype(np.float32),
    "regression": lambda: (np.exp(signal) if case.get("positive") else signal * 10 - 40).astype(np.float32),
}[task]()
if case.get("constant"):
    labels[:] = labels[0]
objective = {"binary": "binary", "multiclass": "multiclass", "regression": "regression"}[task]
params = {"objective": objective, "num_class": 3 if task == "multiclass" else 1, "verbosity": -1, "num_threads": 1,
          "num_leaves": 15, "min_data_in_leaf": 3, "seed": 1, **case["params"]}  # fmt: skip
booster = lightgbm.train(params, lightgbm.Dataset(features, label=labels), num_boost_round=case.get("rounds", 30))

thresholds = [
    (int(feature), float(threshold))
    for tree in trees.parse_sections(booster.model_to_string())[1]
    if "threshold" in tree
    for feature, threshold in zip(tree["split_feature"].split(), tree["threshold"].split())
]
queries = [np.full(columns, value, dtype=np.float32) for value in (np.nan, 0.0, -0.0, 1e-36, -1e-36, 1e30, -1e30)]
queries += [row for row in features[:100]]
for feature, threshold in thresholds[:300]:
    near = np.float32(threshold)
    for value in (near, np.nextafter(near, np.float32(-np.inf)), np.nextafter(near, np.float32(np.inf))):
        row = features[len(queries) % rows].copy()
        row[feature] = value
        queries.append(row)
for column in range(columns):
    for value in (np.nan, 0.0):
        row = features[column].copy()
        row[column] = value
        queries.append(row)
queries = np.array(queries, dtype=np.float32)
answers = booster.predict(queries)
if task == "binary":
    answers = np.column_stack([1 - answers, answers])
with open(os.path.join(folder, "model.onnx"), "wb") as file:
    file.write(trees.to_onnx(booster.model_to_string(), task, columns, {}))
queries.tofile(os.path.join(folder, "queries.bin"))
np.ascontiguousarray(answers, dtype=np.float64).tofile(os.path.join(folder, "answers.bin"))
