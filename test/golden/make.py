"""Writes the golden files beside it, from SciPy, scikit-learn and statsmodels: all topics, or those that are named.

    npm run golden
    npm run golden -- special metrics

A topic is a module of cases/ with `files()`: file name to groups to cases. It has a generator of its own, so that a case
added to one topic changes no other. vectors.json is not written here: it holds the vectors that the design fixed.
"""

import importlib
import json
import pathlib
import sys
import warnings

import numpy as np

HERE = pathlib.Path(__file__).resolve().parent
TOPICS = sorted(file.stem for file in (HERE / "cases").glob("*.py") if file.stem != "__init__")


def plain(value):
    """JSON-safe: numpy to Python, what is not a number to null."""
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, np.ndarray)):
        return [plain(item) for item in value]
    if isinstance(value, (bool, np.bool_)):
        return bool(value)
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


def main(wanted):
    unknown = sorted(set(wanted) - set(TOPICS))
    if unknown:
        sys.exit(f"Cannot make {', '.join(unknown)}: the topics are {', '.join(TOPICS)}")
    warnings.simplefilter("ignore")
    for topic in wanted or TOPICS:
        for name, content in importlib.import_module(f"cases.{topic}").files().items():
            write(name, content)
            print(f"{name}: {sum(len(cases) for cases in content.values())} cases")


if __name__ == "__main__":
    main(sys.argv[1:])
