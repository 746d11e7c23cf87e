"""Evidently's drift preset on two Parquet files, as its documentation sets it up. Arguments: reference, current.

Answers each line of standard input by one line: seconds from the files to the result, of
the clock and of the processor, and how many columns drifted. Python
and its modules are loaded once, before the first: that is not measured.
"""

import json
import sys
import time
import warnings

import pandas
from evidently import DataDefinition, Dataset, Report
from evidently.presets import DataDriftPreset

warnings.filterwarnings("ignore")


def measure(reference_file: str, current_file: str) -> dict[str, float]:
    started, started_cpu = time.perf_counter(), time.process_time()
    reference = pandas.read_parquet(reference_file)
    current = pandas.read_parquet(current_file)
    definition = DataDefinition(
        numerical_columns=list(reference.select_dtypes("number").columns),
        categorical_columns=list(reference.select_dtypes(exclude="number").columns),
    )
    result = Report([DataDriftPreset()]).run(
        Dataset.from_pandas(current, data_definition=definition),
        Dataset.from_pandas(reference, data_definition=definition),
    )
    drifted = result.dict()["metrics"][0]["value"]["count"]
    return {
        "seconds": time.perf_counter() - started,
        "cpuSeconds": time.process_time() - started_cpu,
        "drifted": drifted,
    }


print(json.dumps({"ready": True}), flush=True)
for _ in sys.stdin:
    print(json.dumps(measure(*sys.argv[1:3])), flush=True)
