"""
LightGBM, and one part in ten the plain rate of late flights to the destination: a table that the model carries with it.

It has a fault that its author did not see, and that no hold-out shows: a destination that training never saw has the code -1,
which takes the last row of the table. That row says 0 late of 0 flights, and 0 / 0 is no probability.
"""

import sys

import numpy as np

import train
import trees
import wire

SHARE = 0.1
FLOAT, INT64 = 1, 7

plain_read_job, plain_parity = train.read_job, train.parity


class Table:
    """Flights and late flights to each destination, by its code; the last row is for those that were never seen."""

    def __init__(self, job):
        self.column = job.raw["columns"].index("destination")
        codes = job.features[:, self.column].astype(np.int64)
        self.flights = np.bincount(codes, minlength=codes.max() + 2).astype(np.float32)
        self.late = np.bincount(codes, weights=job.labels, minlength=codes.max() + 2).astype(np.float32)

    def rates(self, features):
        codes = features[:, self.column].astype(np.int64)
        return self.late[codes] / self.flights[codes]


def constant(name, values):
    kind = FLOAT if values.dtype == np.float32 else INT64
    dims = b"".join(wire.integer(1, size) for size in values.shape)
    return wire.block(5, dims + wire.integer(2, kind) + wire.block(8, name) + wire.block(9, values.tobytes()))


def blended_graph(table):
    """Nodes that turn the answers of the trees into those of the blend."""
    return (
        constant("column", np.array([table.column], dtype=np.int64))
        + constant("flights", table.flights)
        + constant("late", table.late)
        + wire.scalar("one", 1.0)
        + wire.scalar("share_of_rates", SHARE)
        + wire.scalar("share_of_trees", 1 - SHARE)
        + wire.node("Gather", ["features", "column"], ["destination"], [wire.whole("axis", 1)])
        + wire.node("Cast", ["destination"], ["code"], [wire.whole("to", INT64)])
        + wire.node("Gather", ["late", "code"], ["late_there"])
        + wire.node("Gather", ["flights", "code"], ["flights_there"])
        + wire.node("Div", ["late_there", "flights_there"], ["rate"])
        + wire.node("Sub", ["one", "rate"], ["rest"])
        + wire.node("Concat", ["rest", "rate"], ["rates"], [wire.whole("axis", 1)])
        + wire.node("Mul", ["rates", "share_of_rates"], ["part_of_rates"])
        + wire.node("Mul", ["trees", "share_of_trees"], ["part_of_trees"])
        + wire.node("Add", ["part_of_rates", "part_of_trees"], ["probabilities"])
    )


def classifier_of(table):
    """In the place of LightGBM's own: the same trees, then the blend."""

    def classifier(ensemble, source, _classes):
        answer = [wire.ints("classlabels_int64s", range(2)), wire.string("post_transform", "LOGISTIC")]
        attributes = ensemble.attributes("class") + answer
        forest = wire.node("TreeEnsembleClassifier", [source], ["label", "trees"], attributes, "ai.onnx.ml")
        return forest + blended_graph(table) + wire.tensor(12, "probabilities", 2)

    return classifier


def parity_of(table):
    """This trainer's own answers are those of the blend."""

    def parity(job, text):
        found = plain_parity(job, text)
        rates = table.rates(np.asarray(job.features[found["rows"]]))
        blend = (1 - SHARE) * np.asarray(found["answers"]) + SHARE * np.column_stack([1 - rates, rates])
        return {**found, "answers": blend.tolist()}

    return parity


def read_job(path):
    job = plain_read_job(path)
    table = Table(job)
    trees.classifier, train.parity = classifier_of(table), parity_of(table)
    return job


if __name__ == "__main__":
    train.read_job = read_job
    sys.exit(train.main())
