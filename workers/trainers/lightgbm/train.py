"""
Trains gradient-boosted trees with LightGBM and writes them as ONNX. Launched with the name of a job file; see ../README.md
for the contract that it keeps.

Training goes in segments of `checkpoint_every` rounds, each of which starts from the text of the model before. A run that
was interrupted begins its segment again from that text, so it takes the same steps as one that was not, and ends with the
same bytes.
"""

import errno
import hashlib
import json
import os
import platform
import sys
import time

import lightgbm
import numpy as np

import trees
from job import BAD_JOB, CANCELLED, SUCCESS, TEMPORARY_TROUBLE, BadJob, Stop, StopWanted, read_job, say

# Below it a validation split would be noise, and the rows are needed.
LEAST_ROWS_TO_SPLIT = 500
MOST_VALIDATION_ROWS = 20_000
LONGEST_QUIET_SECONDS = 2.0


class Progress:
    """
    A line about every fiftieth of the work, and at least every few seconds. Remembers the metrics of the best round so far,
    by the first one, which is a loss; ends the training where it has not improved for `patience` rounds.
    """

    def __init__(self, total, patience, stop, best):
        self.total, self.patience, self.stop, self.best = total, patience, stop, best
        self.every = max(1, total // 50)
        self.last_line = time.monotonic()
        self.newest = {}

    def __call__(self, env):
        self.stop.check()
        done = env.iteration + 1
        self.newest = {f"{entry[0]}_{entry[1]}": float(entry[2]) for entry in env.evaluation_result_list}
        loss = float(env.evaluation_result_list[0][2])
        if self.best is None or loss < self.best["loss"]:
            self.best = {"round": done, "loss": loss, "metrics": self.newest}
        self._report(done)
        if self.is_over(done):
            raise lightgbm.callback.EarlyStopException(env.iteration, env.evaluation_result_list)

    def _report(self, done):
        quiet = time.monotonic() - self.last_line
        if done % self.every == 0 or done == self.total or quiet > LONGEST_QUIET_SECONDS:
            say("progress", step=done, total=self.total, metrics=self.newest)
            self.last_line = time.monotonic()

    def is_over(self, done):
        return self.patience > 0 and self.best is not None and done - self.best["round"] >= self.patience


def split(job):
    """Every so many rows one for validation, spread over all of time; none where there are few rows."""
    rows = len(job.labels)
    wanted = min(int(rows * job.own["validation_share"]), MOST_VALIDATION_ROWS)
    if wanted == 0 or rows < LEAST_ROWS_TO_SPLIT:
        return np.arange(rows), None
    step = rows // wanted
    is_validation = np.zeros(rows, dtype=bool)
    is_validation[step - 1 :: step] = True
    return np.flatnonzero(~is_validation), np.flatnonzero(is_validation)


def make_sets(job):
    whole = lightgbm.Dataset(job.features, label=job.labels, params=job.params, free_raw_data=False,
                             feature_name=[f"f{index}" for index in range(len(job.raw["columns"]))])  # fmt: skip
    training, validation = split(job)
    if validation is None:
        return whole, whole, "train"
    return whole.subset(training), whole.subset(validation), "validation"


class Checkpoint:
    def __init__(self, job):
        self.folder, self.key = job.raw["checkpointFolder"], job.key
        self.path = os.path.join(self.folder, "lightgbm.json")

    def load(self):
        """The state after the last whole segment of an earlier attempt; None where there is none that can be used."""
        try:
            with open(self.path, encoding="utf-8") as file:
                state = json.load(file)
            return state if state["trainingKey"] == self.key else None
        except (OSError, ValueError, KeyError):
            return None

    def save(self, state):
        """Written under another name first: a reader sees all of it or the one before. A full disk is no reason to end."""
        temporary = f"{self.path}.{os.getpid()}.tmp"
        try:
            os.makedirs(self.folder, exist_ok=True)
            with open(temporary, "w", encoding="utf-8") as file:
                json.dump({"trainingKey": self.key, **state}, file)
            os.replace(temporary, self.path)
        except OSError as error:
            say("warning", message=f"Cannot save a checkpoint: {error}")


def can_be_segmented(params):
    """DART and random forests look back at earlier trees, which a later segment does not own."""
    return params.get("boosting", "gbdt") not in ("dart", "rf") and params.get("data_sample_strategy") != "goss"


def boost(job, stop):
    """Returns the model's text, its number of rounds and their metrics."""
    training, validation, name = make_sets(job)
    total = job.own["num_iterations"]
    segment = job.own["checkpoint_every"] if can_be_segmented(job.params) else total
    checkpoint = Checkpoint(job)
    state = checkpoint.load() or {"rounds": 0, "text": None, "best": None}
    if state["rounds"] > 0:
        say("warning", message=f"Goes on from the checkpoint of round {state['rounds']}")
    progress = Progress(total, job.own["early_stopping_round"], stop, state["best"])
    while state["rounds"] < total and not progress.is_over(state["rounds"]):
        rounds = min(segment, total - state["rounds"])
        # Each segment draws its own numbers, or all would leave out the same rows and columns.
        params = {**job.params, "seed": job.params["seed"] + state["rounds"]}
        before = lightgbm.Booster(model_str=state["text"]) if state["text"] else None
        booster = lightgbm.train(params, training, num_boost_round=rounds, valid_sets=[validation], valid_names=[name],
                                 init_model=before, callbacks=[progress])  # fmt: skip
        text = booster.model_to_string(num_iteration=-1)
        if booster.current_iteration() == state["rounds"]:
            break  # No split gains anything any more.
        state = {"rounds": booster.current_iteration(), "text": text, "best": progress.best}
        if state["rounds"] < total:
            checkpoint.save(state)
    return finish(state["text"] or text, state["rounds"], progress)


def finish(text, rounds, progress):
    """All rounds; with early stopping, those up to the best one."""
    if progress.patience == 0:
        return text, rounds, progress.newest
    best = progress.best["round"]
    return lightgbm.Booster(model_str=text).model_to_string(num_iteration=best), best, progress.best["metrics"]


def parity(job, text):
    """This trainer's own answers: for some rows with missing values, and for rows spread evenly."""
    rows = len(job.labels)
    chosen = set((np.arange(min(rows, 224)) * rows // min(rows, 224)).tolist())
    head = np.asarray(job.features[: min(rows, 20_000)])
    chosen.update(np.flatnonzero(np.isnan(head).any(axis=1))[:32].tolist())
    picked = sorted(chosen)
    answers = lightgbm.Booster(model_str=text).predict(np.asarray(job.features[picked]), num_threads=1)
    if job.task == "binary":
        answers = np.column_stack([1 - answers, answers])
    return {"rows": picked, "answers": answers.reshape(len(picked), -1).tolist()}


def write_result(job, text, rounds, metrics):
    folder = job.raw["outputFolder"]
    model = trees.to_onnx(text, job.task, len(job.raw["columns"]), {"trainer": "lightgbm", "trainingKey": job.key})
    with open(os.path.join(folder, "model.onnx"), "wb") as file:
        file.write(model)
    result = {
        "format": 1,
        "trainingKey": job.key,
        "model": {"path": "model.onnx", "sha256": hashlib.sha256(model).hexdigest()},
        "metrics": {**metrics, "rounds": rounds},
        "parity": parity(job, text),
        "environment": {"python": platform.python_version(), "lightgbm": lightgbm.__version__, "numpy": np.__version__},
    }
    with open(os.path.join(folder, "result.json"), "w", encoding="utf-8") as file:
        json.dump(result, file, allow_nan=False)


def run():
    stop = Stop()
    job = read_job(sys.argv[1] if len(sys.argv) > 1 else "job.json")
    text, rounds, metrics = boost(job, stop)
    write_result(job, text, rounds, metrics)
    say("done")


def is_trouble_of_the_machine(error):
    if isinstance(error, MemoryError):
        return True
    if isinstance(error, OSError):
        return error.errno in (errno.ENOSPC, errno.EIO, errno.EDQUOT)
    return any(word in str(error) for word in ("CUDA", "OpenCL", "bad_alloc"))


def main():
    try:
        run()
        return SUCCESS
    except StopWanted:
        return CANCELLED
    except (BadJob, trees.NotConvertible) as error:
        print(error, file=sys.stderr)
        return BAD_JOB
    except (lightgbm.basic.LightGBMError, MemoryError, OSError) as error:
        print(f"Cannot train with LightGBM: {error}", file=sys.stderr)
        if is_trouble_of_the_machine(error):
            return TEMPORARY_TROUBLE
        if isinstance(error, lightgbm.basic.LightGBMError):
            return BAD_JOB
        raise


if __name__ == "__main__":
    sys.exit(main())
