"""Stream detectors, by river, which has an environment of its own: this module runs itself there and reads what it says.

River 0.26.1 differs from the forms that we use in two places, and the cases go around them. Its ADWIN forgets its whole
window after a drift; the helper inside, which does the work, keeps the newer part, as the paper does. Its Page-Hinkley
fades the sum and holds its minimum; ours fades the excess over the minimum: without fading the two are the same.
What the helper calls variance is the sum of squared deviations.
"""

import json
import pathlib
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve()
REQUIREMENTS = HERE.with_suffix(".requirements.txt")
ENVIRONMENT = HERE.parents[3] / ".cache" / "golden-river"


def files():
    stamp = ENVIRONMENT / "requirements.txt"
    if not stamp.exists() or stamp.read_text() != REQUIREMENTS.read_text():
        subprocess.run([sys.executable, "-m", "venv", "--clear", ENVIRONMENT], check=True)
        subprocess.run([ENVIRONMENT / "bin" / "pip", "install", "--quiet", "--disable-pip-version-check", "-r", REQUIREMENTS], check=True)
        stamp.write_text(REQUIREMENTS.read_text())
    found = subprocess.run([ENVIRONMENT / "bin" / "python", HERE], check=True, capture_output=True, text=True)
    return json.loads(found.stdout)


def streams():
    import numpy as np

    random = np.random.default_rng(20010105)
    named = []
    for before, after in ((0.1, 0.25), (0.1, 0.15), (0.3, 0.6), (0.02, 0.3), (0.5, 0.1), (0.2, 0.2), (0.05, 0.05), (0.6, 0.9)):
        for change, length in ((40, 400), (700, 1500), (1300, 2500)):
            rate = np.where(np.arange(length) < change, before, after)
            named.append((f"errors {before} then {after} from {change}", (random.random(length) < rate).astype(int)))
    for spread in (0.1, 1.0):
        for shift in (0, 0.2, 1, -0.5):
            length = 1200
            level = np.where(np.arange(length) < 600, 0.5, 0.5 + shift)
            named.append((f"numbers of spread {spread} shifted by {shift}", (level + spread * random.normal(size=length)).round(2)))
    edges = {"empty": [], "one": [1], "no errors": [0] * 300, "errors only": [1] * 300, "one late error": [0] * 200 + [1], "constant": [0.25] * 200}
    return named + [(name, np.array(values)) for name, values in edges.items()]


def is_errors(values):
    return all(value in (0, 1) for value in values)


def packed(values):
    """Errors as a string of digits, because a list would be twice as long."""
    return "".join(str(int(value)) for value in values) if is_errors(values) else [float(value) for value in values]


def ddm_case(name, values, **settings):
    from river.drift.binary import DDM

    detector, warnings, drifts, before = DDM(**settings), [], [], False
    for index, value in enumerate(values):
        detector.update(int(value))
        if detector.drift_detected:
            drifts.append(index)
        elif detector.warning_detected and not before:
            warnings.append(index)
        before = detector.warning_detected and not detector.drift_detected
    return {"name": name, "settings": settings, "warnings": warnings, "drifts": drifts}


def adwin_case(name, values, **settings):
    from river.drift import ADWIN

    window, drifts = ADWIN(**settings)._helper, []
    for index, value in enumerate(values):
        if window.update(float(value)):
            drifts.append([index, int(window.get_width())])
    width = int(window.get_width())
    return {"name": name, "settings": settings, "drifts": drifts, "mean": window.get_total() / width if width else None, "squaredDeviations": window.get_variance()}


def page_hinkley_case(name, values, **settings):
    from river.drift import PageHinkley

    detector, drifts = PageHinkley(alpha=1.0, mode="up", **settings), []
    for index, value in enumerate(values):
        detector.update(float(value))
        if detector.drift_detected:
            drifts.append(index)
    return {"name": name, "settings": settings, "drifts": drifts}


def kswin_case(name, values, level):
    """Sixty hold thirty older ones, so that drawing thirty of them leaves nothing to chance."""
    from river.drift import KSWIN

    detector = KSWIN(alpha=level, window_size=60, stat_size=30, seed=1)
    for index, value in enumerate(values):
        detector.update(float(value))
        if detector.drift_detected:
            return {"name": name, "level": level, "first": index}
    return {"name": name, "level": level, "first": None}


def cases():
    all_streams = streams()
    errors = [(name, values) for name, values in all_streams if is_errors(values)]
    return {
        "streams": [{"name": name, "values": packed(values)} for name, values in all_streams],
        "ddm": [ddm_case(name, values) for name, values in errors]
        + [ddm_case(name, values, warm_start=100, warning_threshold=1.5, drift_threshold=2.5) for name, values in errors[::3]],
        "adwin": [adwin_case(name, values) for name, values in all_streams]
        + [adwin_case(name, values, delta=0.1, clock=1, min_window_length=10) for name, values in all_streams[::3]],
        "pageHinkley": [page_hinkley_case(name, values, threshold=threshold) for name, values in all_streams for threshold in (10.5, 25.5)],
        "kswin": [kswin_case(name, values, level) for name, values in all_streams[::2] for level in (0.005, 0.0001)],
    }


if __name__ == "__main__":
    json.dump({"detectors.json": cases()}, sys.stdout)
