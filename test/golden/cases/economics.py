"""When retraining pays: best periods by root finding, learning curves by statsmodels, accounts by plain simulation."""

import numpy as np
import statsmodels.api as sm
from scipy import optimize, stats

random = np.random.default_rng(20010113)


def period_cases():
    cases = []
    for cost in (0.01, 1, 40, 900, 1e6):
        for decay in (1e-6, 0.02, 0.5, 33, 1e4):
            slope = lambda log_period: -cost / np.exp(log_period) ** 2 + decay / 2
            days = np.exp(optimize.brentq(slope, -30, 30, xtol=1e-14, rtol=1e-14))
            cases.append({"costPerRun": cost, "decayPerDay": decay, "days": days, "costPerDay": cost / days + decay * days / 2})
    return cases


def trigger_cases():
    cases = []
    for cost in (1, 40, 400):
        for loss in (0.5, 20, 300):
            for every in (3, 60, 400):
                for delay in (0, 2, 9):
                    changes = 1 / every
                    schedule = optimize.minimize_scalar(
                        lambda log_period: cost / np.exp(log_period) + changes * loss * np.exp(log_period) / 2, bounds=(-10, 15), method="bounded", options={"xatol": 1e-10}
                    ).fun
                    trigger = lambda false: changes * (cost + delay * loss) + false * cost
                    bearable = None if trigger(0) > schedule else optimize.brentq(lambda false: trigger(false) - schedule, 0, 1e6, xtol=1e-15, rtol=1e-14)
                    cases.append({
                        "costPerRun": cost, "lossPerDay": loss, "changesPerDay": changes, "delayDays": delay, "falseAlarmsPerDay": 1 / 90,
                        "schedule": schedule, "trigger": trigger(1 / 90), "bearable": bearable,
                    })
    return cases


def curve(points, rows, confidence):
    by_rows = sorted(points, key=lambda point: point["rows"])
    last = by_rows[-1]
    n, loss, error = (np.array([point[key] for point in points], float) for key in ("rows", "loss", "standardError"))
    z = stats.norm.isf(1 - confidence)
    if len(points) >= 4 and (loss > 0).all() and (error > 0).all() and len(set(n)) > 1:
        fit = sm.WLS(np.log(loss), sm.add_constant(np.log(n)), weights=(loss / error) ** 2).fit()
        if fit.params[1] < 0:
            at = np.array([1, np.log(min(rows, 2 * last["rows"]))])
            own = np.sqrt(max(1, fit.scale) * (at @ fit.normalized_cov_params @ at))
            spread = max(own, last["standardError"] / last["loss"])
            estimate = np.exp(at @ fit.params)
            return {"method": "power law", "estimate": estimate, "lower": estimate * np.exp(-z * spread), "upper": estimate * np.exp(z * spread), "standardError": estimate * spread}
    estimate, spread = last["loss"], last["standardError"]
    return {"method": "last observed", "estimate": estimate, "lower": max(0, estimate - z * spread), "upper": estimate + z * spread, "standardError": spread}


def curve_cases():
    cases = []

    def add(points, rows, confidence):
        cases.append({"points": points, "rows": rows, "confidence": confidence, "expected": curve(points, rows, confidence)})

    for count in (1, 2, 3, 4, 5, 8):
        for steepness in (0.0, 0.1, 0.35, 0.8):
            for noise in (0.002, 0.05):
                sizes = np.unique(random.integers(200, 50_000, count)) if count != 5 else np.array([500, 1000, 2000, 4000, 8000])
                points = []
                for size in sizes:
                    loss = 2.0 * float(size) ** -steepness * np.exp(noise * random.standard_normal())
                    points.append({"rows": int(size), "loss": float(loss), "standardError": float(loss * random.uniform(0.005, 0.06))})
                add(points, int(sizes[-1] * random.choice([0.5, 1, 1.5, 2, 7])), float(random.choice([0.8, 0.95, 0.99])))
    falling = [{"rows": 1000 * 2**k, "loss": 0.4 * 0.9**k, "standardError": 0.01} for k in range(5)]
    add(falling, 16_000, 0.9)
    add(falling[::-1], 40_000, 0.9)
    add([{**point, "loss": point["loss"] if k else 0.0} for k, point in enumerate(falling)], 16_000, 0.9)
    add([{**point, "standardError": 0.0} for point in falling], 16_000, 0.9)
    add([{**point, "rows": 1000} for point in falling], 16_000, 0.9)
    add([{**point, "loss": 1 - point["loss"]} for point in falling], 16_000, 0.9)
    add([{"rows": 1000, "loss": 0.001, "standardError": 0.01}], 1, 0.99)
    return cases


def gain_cases():
    cases = []
    for volume in (0, 20_000):
        for value in (0.05, 3):
            for current, fresh in ((0.2, 0.15), (0.1, 0.1), (0.1, 0.2)):
                for errors in ((0, 0), (0.01, 0.004)):
                    for horizon, confidence in ((0, 0.9), (7, 0.8), (30, 0.99)):
                        stake = volume * value * horizon
                        error = stake * np.sqrt(errors[0] ** 2 + errors[1] ** 2)
                        gain, z = stake * (current - fresh), stats.norm.isf(1 - confidence)
                        cases.append({
                            "predictionsPerDay": volume, "valuePerError": value, "current": [current, errors[0]], "fresh": [fresh, errors[1]],
                            "horizonDays": horizon, "confidence": confidence, "estimate": gain, "lower": gain - z * error, "upper": gain + z * error,
                        })
    return cases


def saved_by(excess, days, replaced, period, stake, cost):
    """Both stories told day by day: position of the world, model of each story, what each span cost."""
    position, trained_at, world = [], 0.0, 0.0
    for index in range(len(days)):
        world = trained_at + excess[index]
        position.append(world)
        if replaced[index]:
            trained_at = world
    own = sum(stake * days[i] * excess[i] for i in range(len(days))) + cost * sum(replaced)
    schedule, model, age, runs = 0.0, 0.0, 0.0, 0
    for i in range(len(days)):
        schedule += stake * days[i] * (position[i] - model)
        age += days[i]
        if age >= period - 1e-9:
            model, age, runs = position[i], 0.0, runs + 1
    return schedule + cost * runs - own, runs


def account_cases():
    cases = []
    for count in (0, 1, 2, 7, 30, 90):
        for share in (0.0, 0.1, 1.0):
            for period in (1, 5, 14):
                days = np.where(random.random(count) < 0.2, 2, 1)
                replaced = random.random(count) < share
                excess, errors = 0.03 * random.random(count) - 0.002, 0.01 * random.random(count)
                saved, runs = saved_by(excess, days, replaced, period, 100.0, 40.0)
                zero = saved_by(np.zeros(count), days, replaced, period, 100.0, 40.0)[0]
                each = np.array([saved_by(np.eye(count)[i], days, replaced, period, 100.0, 40.0)[0] - zero for i in range(count)])
                error = np.sqrt(((each * errors) ** 2).sum())
                z = stats.norm.isf(0.1)
                cases.append({
                    "days": days, "replaced": [bool(x) for x in replaced], "excess": excess, "errors": errors, "period": period,
                    "runs": runs, "saved": saved, "standardError": error, "lower": saved - z * error, "upper": saved + z * error,
                })
    return cases


def files():
    return {
        "economics.json": {
            "periods": period_cases(),
            "triggers": trigger_cases(),
            "curves": curve_cases(),
            "gains": gain_cases(),
            "accounts": account_cases(),
        }
    }
