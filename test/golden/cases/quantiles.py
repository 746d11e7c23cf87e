"""Quantiles and tails far out, from long arithmetic where SciPy loses digits there; Student's t and Kolmogorov's distribution."""

import mpmath
from mpmath import mp, mpf
from scipy import special, stats

mp.dps = 60

LEVELS = [1e-300, 1e-100, 1e-30, 1e-9, 1e-4, 0.01, 0.025, 0.05, 0.2, 0.5, 0.8, 0.975, 0.9999]


def beta_tail(a, b, x):
    """The lower tail from its series, which has no cancellation: the upper one is that with the shapes exchanged."""
    a, b, x = mpf(a), mpf(b), mpf(x)
    front = mpmath.exp(a * mpmath.log(x) + b * mpmath.log1p(-x) - mpmath.loggamma(a) - mpmath.loggamma(b) + mpmath.loggamma(a + b))
    return front / a * mpmath.hyp2f1(a + b, 1, a + 1, x, maxterms=10**6)


def polished(start, tail, density, probability):
    """Newton's method in 60 digits, in the logarithms of the tail and of the quantile."""
    x = mpf(start)
    for _ in range(60):
        found = tail(x)
        step = found / (density(x) * x) * (mpmath.log(found) - mpmath.log(probability))
        x *= mpmath.exp(-step)
        if abs(step) < mpf(10) ** -40:
            return x
    raise ArithmeticError(f"no quantile from {start}")


def beta_tail_cases():
    """Few of very many: the share is next to 1, and only its complement has digits."""
    cases = []
    for many, few in ((1e4, 30), (1e6, 3), (1e6, 0.5), (1e7, 1.5), (1e8, 2), (1e8, 1), (2e5, 0.5)):
        for ratio in (1e-6, 0.2, 0.9, 1, 1.1, 2, 6, 20):
            complement = ratio * few / (many + few)
            # What is left of 1 has digits enough, if there are enough to begin with.
            with mp.workdps(300):
                upper = beta_tail(few, many, complement)
                cases.append({"a": many, "b": few, "complement": complement, "upper": float(upper), "lower": float(1 - upper)})
    return cases


def gamma_quantile(shape, probability, upper, start):
    shape = mpf(shape)
    density = lambda x: mpmath.exp((shape - 1) * mpmath.log(x) - x - mpmath.loggamma(shape)) * (-1 if upper else 1)
    tail = lambda x: mpmath.gammainc(shape, x, mpmath.inf, regularized=True) if upper else mpmath.gammainc(shape, 0, x, regularized=True)
    return polished(start, tail, density, mpf(probability))


def beta_quantile(a, b, probability, start):
    log_b = mpmath.loggamma(a) + mpmath.loggamma(b) - mpmath.loggamma(mpf(a) + b)
    density = lambda x: mpmath.exp((mpf(a) - 1) * mpmath.log(x) + (mpf(b) - 1) * mpmath.log1p(-x) - log_b)
    return polished(start, lambda x: beta_tail(a, b, x), density, mpf(probability))


def chi_square_cases():
    cases = []
    for df in (0.5, 1, 2, 3, 9.5, 19, 99, 1000, 200_000):
        for p in LEVELS:
            case = {"df": df, "probability": p, "upper": None, "lower": None}
            for side, start in (("upper", stats.chi2.isf(p, df)), ("lower", stats.chi2.ppf(p, df))):
                if start > 1e-290:
                    # Too many terms for long arithmetic: SciPy's answer is good where the shape is large.
                    exact = df < 2000 and gamma_quantile(df / 2, p, side == "upper", start / 2)
                    case[side] = float(2 * exact) if exact else float(start)
            cases.append(case)
    return cases


def beta_cases():
    cases = []
    pairs = [(0.5, 0.5), (1, 1), (1, 1e5), (3, 198), (4, 197), (0.5, 40), (2, 3), (30, 70), (1000, 1000), (1, 20), (12.5, 4000), (7, 1e6)]
    for a, b in pairs:
        for p in LEVELS:
            case = {"a": a, "b": b, "probability": p, "lower": None, "upper": None, "upperComplement": None}
            start = stats.beta.ppf(p, a, b)
            if start > 1e-290:
                case["lower"] = float(beta_quantile(a, b, p, start))
            start = stats.beta.isf(p, a, b)
            # Near 1 the complement is what has digits: the lower quantile with the shapes exchanged.
            if 0 < 1 - start < 1 and stats.beta.ppf(p, b, a) > 1e-290:
                complement = beta_quantile(b, a, p, stats.beta.ppf(p, b, a))
                case["upper"], case["upperComplement"] = float(1 - complement), float(complement)
            cases.append(case)
    return cases


def log_beta_cases():
    values = [1e-8, 0.3, 0.5, 1, 2.5, 9.9, 10, 400, 1e6, 1e12]
    pairs = [(a, b) for a in values for b in values if a <= b]
    return [{"a": a, "b": b, "value": float(mpmath.log(mpmath.beta(mpf(a), mpf(b))) if b < 1e5 else
             mpmath.loggamma(mpf(a)) + mpmath.loggamma(mpf(b)) - mpmath.loggamma(mpf(a) + mpf(b)))} for a, b in pairs]


def student_cases():
    tails = [
        {"t": t, "df": df, "upper": float(beta_tail(df / 2, 0.5, mpf(df) / (df + mpf(t) ** 2)) / 2)}
        for df in (0.5, 1, 2, 3.7, 10, 30, 250, 10_000)
        for t in (1e-6, 0.5, 1, 2, 4.5, 12, 40, 1e4)
    ]
    quantiles = [
        {"probability": p, "df": df, "t": float(special.stdtrit(df, p) * -1)}
        for df in (1, 2, 3.7, 10, 30, 250, 10_000)
        for p in (1e-30, 1e-9, 1e-4, 0.01, 0.05, 0.2, 0.5, 0.8, 0.975)
    ]
    return tails, quantiles


def kolmogorov_cases():
    tails = []
    for x in (0.03, 0.04, 0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 0.82, 0.8275, 0.8276, 0.83, 0.9, 1, 1.18, 1.3580986393225507, 1.63, 2, 3, 5, 10, 18.5, 20):
        exact = mpf(x)
        upper = 2 * mpmath.nsum(lambda k: (-1) ** (int(k) - 1) * mpmath.exp(-2 * k**2 * exact**2), [1, mpmath.inf], method="d") if x > 0.2 else None
        lower = mpmath.sqrt(2 * mpmath.pi) / exact * sum(mpmath.exp(-((2 * k - 1) * mpmath.pi) ** 2 / (8 * exact**2)) for k in range(1, 400))
        tails.append({"x": x, "lower": float(lower), "upper": float(upper if upper is not None else 1 - lower)})
    quantiles = [{"probability": p, "x": special.kolmogi(p)} for p in LEVELS]
    return tails, quantiles


def count_cases():
    poisson, negative, binomial = [], [], []
    for mean in (0.01, 0.9, 7, 130, 4000):
        for k in sorted({0, 1, round(mean / 3), round(mean), round(mean + 9 * mean**0.5), round(8 * mean + 20)}):
            upper = mpmath.gammainc(k, 0, mpf(mean), regularized=True) if k > 0 else mpf(1)
            lower = mpmath.gammainc(k + 1, mpf(mean), mpmath.inf, regularized=True)
            poisson.append({"count": k, "mean": mean, "lower": float(lower), "upper": float(upper)})
    for mean, shape in ((0.5, 0.5), (100, 4), (100, 1000), (4000, 30), (2, 1e7)):
        share = mpf(shape) / (mpf(shape) + mpf(mean))
        for k in sorted({0, 1, round(mean / 3), round(mean), round(3 * mean), round(9 * mean + 20)}):
            lower = beta_tail(shape, k + 1, share)
            upper = beta_tail(k, shape, 1 - share) if k > 0 else mpf(1)
            negative.append({"count": k, "mean": mean, "shape": shape, "lower": float(lower), "upper": float(upper)})
    for n, p in ((1, 0.5), (7, 0.03), (400, 0.001), (400, 0.9), (10_000, 0.5)):
        for k in sorted({0, 1, n // 3, n // 2, n - 1, n}):
            upper = beta_tail(k, n - k + 1, mpf(p)) if k > 0 else mpf(1)
            binomial.append({"k": k, "n": n, "p": p, "upper": float(upper)})
    return poisson, negative, binomial


def normal_cases():
    return [{"z": z, "twoSided": 2 * stats.norm.sf(z), "confidence": c, "reach": stats.norm.isf((1 - c) / 2)}
            for z, c in ((0, 0.5), (1, 0.8), (1.96, 0.9), (3, 0.95), (8, 0.99), (20, 0.999), (37, 0.999999))]


def files():
    tails, quantiles = student_cases()
    kolmogorov, kolmogorov_quantiles = kolmogorov_cases()
    poisson, negative, binomial = count_cases()
    return {"quantiles.json": {
        "chiSquare": chi_square_cases(), "beta": beta_cases(), "betaTails": beta_tail_cases(), "logBeta": log_beta_cases(), "student": tails,
        "studentQuantile": quantiles, "kolmogorov": kolmogorov, "kolmogorovQuantile": kolmogorov_quantiles,
        "poisson": poisson, "negativeBinomial": negative, "binomial": binomial, "normal": normal_cases(),
    }}
