"""Turns a LightGBM model, in its text form, into an ONNX tree ensemble that answers the same."""

import numpy as np

import wire

NONE, ZERO, NAN = 0, 1, 2
# LightGBM takes what lies within it, its ends included, for zero.
ZERO_THRESHOLD = np.float32(1e-35)


class NotConvertible(Exception):
    pass


def round_down(thresholds):
    """The largest float32 not above each double: `x <= t` keeps its meaning for every float32 `x`."""
    with np.errstate(over="ignore"):
        rounded = thresholds.astype(np.float32)
    above = rounded.astype(np.float64) > thresholds
    rounded[above] = np.nextafter(rounded[above], np.float32(-np.inf))
    return around_zero(thresholds, rounded)


def around_zero(thresholds, rounded):
    """Splits at the edge of zero are moved just past it, so that everything LightGBM takes for zero stays on zero's side."""
    is_below = (thresholds < 0) & (thresholds >= -ZERO_THRESHOLD)
    rounded[is_below] = np.nextafter(-ZERO_THRESHOLD, np.float32(-np.inf))
    rounded[(thresholds >= 0) & (thresholds < ZERO_THRESHOLD)] = ZERO_THRESHOLD
    return rounded


def parse_sections(text):
    """The header and the trees of a model text, each as a dictionary of its lines."""
    head, *trees = text.split("\nTree=")
    trees = [tree.split("\n\n", 1)[0] for tree in trees]
    as_pairs = lambda lines: dict(line.split("=", 1) if "=" in line else (line, "") for line in lines if line)
    return as_pairs(head.splitlines()), [as_pairs(tree.splitlines()[1:]) for tree in trees]


class Ensemble:
    """Collects the parallel arrays that ONNX wants: one entry a node, one entry a leaf's weight."""

    def __init__(self, classes):
        self.classes = classes
        self.nodes = {name: [] for name in ("tree", "id", "feature", "mode", "value", "true", "false", "missing")}
        self.leaves = {name: [] for name in ("tree", "id", "target", "weight")}
        self.missing_kinds = set()

    def add(self, index, tree, factor):
        if int(tree.get("num_cat", "0")) > 0 or int(tree.get("is_linear", "0")) > 0:
            raise NotConvertible("categorical splits and linear leaves cannot be exported")
        numbers = lambda name, kind: np.array(tree[name].split(), dtype=kind)
        leaf_values = numbers("leaf_value", np.float64) * factor
        splits = len(leaf_values) - 1
        if splits > 0:
            self._add_splits(index, splits, numbers)
        self._extend(self.nodes, tree=[index] * (splits + 1), id=range(splits, 2 * splits + 1), feature=[0] * (splits + 1),
                     mode=["LEAF"] * (splits + 1), value=[0.0] * (splits + 1), true=[0] * (splits + 1),
                     false=[0] * (splits + 1), missing=[0] * (splits + 1))  # fmt: skip
        self._extend(self.leaves, tree=[index] * (splits + 1), id=range(splits, 2 * splits + 1),
                     target=[index % self.classes] * (splits + 1), weight=leaf_values)  # fmt: skip

    def _add_splits(self, index, splits, numbers):
        thresholds = numbers("threshold", np.float64)
        decisions = numbers("decision_type", np.int64)
        kinds = (decisions >> 2) & 3
        self.missing_kinds.update(kinds.tolist())
        # Where a column had no missing values in training, LightGBM takes one for 0.
        goes_left = np.where(kinds == NONE, thresholds >= 0, (decisions & 2) > 0)
        # Children below 0 are leaves: -1 is the first one.
        place = lambda child: np.where(child < 0, splits + ~child, child)
        self._extend(self.nodes, tree=[index] * splits, id=range(splits), feature=numbers("split_feature", np.int64),
                     mode=["BRANCH_LEQ"] * splits, value=round_down(thresholds), true=place(numbers("left_child", np.int64)),
                     false=place(numbers("right_child", np.int64)), missing=goes_left.astype(np.int64))  # fmt: skip

    @staticmethod
    def _extend(into, **columns):
        for name, values in columns.items():
            into[name].extend(values)

    def attributes(self, prefix):
        nodes, leaves = self.nodes, self.leaves
        return [
            wire.ints("nodes_treeids", nodes["tree"]),
            wire.ints("nodes_nodeids", nodes["id"]),
            wire.ints("nodes_featureids", nodes["feature"]),
            wire.strings("nodes_modes", nodes["mode"]),
            wire.floats("nodes_values", nodes["value"]),
            wire.ints("nodes_truenodeids", nodes["true"]),
            wire.ints("nodes_falsenodeids", nodes["false"]),
            wire.ints("nodes_missing_value_tracks_true", nodes["missing"]),
            wire.ints(f"{prefix}_treeids", leaves["tree"]),
            wire.ints(f"{prefix}_nodeids", leaves["id"]),
            wire.ints(f"{prefix}_ids", leaves["target"]),
            wire.floats(f"{prefix}_weights", leaves["weight"]),
        ]


def zeros_to_missing(ensemble):
    """With zero_as_missing, a zero takes the way of a missing value: the graph turns it into one first."""
    if ZERO not in ensemble.missing_kinds:
        return "features", b""
    if NAN in ensemble.missing_kinds:
        raise NotConvertible("columns that treat zero as missing and columns that do not cannot be exported together")
    constants = wire.scalar("zero_threshold", ZERO_THRESHOLD) + wire.scalar("missing_value", float("nan"))
    nodes = (
        wire.node("Abs", ["features"], ["sizes"])
        + wire.node("LessOrEqual", ["sizes", "zero_threshold"], ["is_zero"])
        + wire.node("Where", ["is_zero", "missing_value", "features"], ["known"])
    )
    return "known", nodes + constants


def classifier(ensemble, source, classes):
    width = max(2, classes)
    attributes = ensemble.attributes("class") + [
        wire.ints("classlabels_int64s", range(width)),
        wire.string("post_transform", "LOGISTIC" if classes == 1 else "SOFTMAX"),
    ]
    return wire.node("TreeEnsembleClassifier", [source], ["label", "probabilities"], attributes, "ai.onnx.ml") + wire.tensor(
        12, "probabilities", width
    )


def regressor(ensemble, source, is_exponential):
    attributes = ensemble.attributes("target") + [wire.whole("n_targets", 1)]
    trees = wire.node("TreeEnsembleRegressor", [source], ["raw" if is_exponential else "value"], attributes, "ai.onnx.ml")
    return trees + (wire.node("Exp", ["raw"], ["value"]) if is_exponential else b"") + wire.tensor(12, "value", 1)


def to_onnx(model_text, task, columns, metadata):
    """`task` is the job's; the objective that decides the last step is read from the model itself."""
    header, trees = parse_sections(model_text)
    objective, *options = header.get("objective", "").split()
    classes = int(header.get("num_tree_per_iteration", "1"))
    sigmoid = next((float(option[8:]) for option in options if option.startswith("sigmoid:")), 1.0)
    if "sqrt" in options:
        raise NotConvertible("reg_sqrt cannot be exported")
    ensemble = Ensemble(classes)
    share = classes / len(trees) if "average_output" in header else 1.0
    for index, tree in enumerate(trees):
        ensemble.add(index, tree, share * (sigmoid if task == "binary" else 1.0))
    source, preparation = zeros_to_missing(ensemble)
    answer = (
        regressor(ensemble, source, objective in ("poisson", "gamma", "tweedie"))
        if task == "regression"
        else classifier(ensemble, source, classes)
    )
    return wire.model(wire.tensor(11, "features", columns) + preparation + answer, metadata)
