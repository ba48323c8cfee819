"""Writes posterior.json: what a router must have learned after 20,000 outcomes, solved directly at every step, and the prior that has the most evidence.

    python3 tests/figures/posterior.py        (numpy; half a minute)

The stream: prompt n is a vector of 64 numbers, four of them +-1/2 and the others 0, so that its features are exact; its
model is n % 4; its quality a formula. tests/router_exact.rs streams the same through a router and compares.
"""
import json, os
import numpy as np

MODELS, STEPS, F = 4, 20_000, 64


def prompt(n):
    x, places, k = np.zeros(F), [], 0
    while len(places) < 4:                                   # four different places
        at = (n * 7 + k * (13 + 2 * (n // 64))) % F      # an odd step: never the same place twice
        if at not in places:
            places.append(at)
        k += 1
    for k, at in enumerate(places):
        x[at] = 0.5 if (n >> k) & 1 else -0.5
    return x


def quality(n):
    return (n * 7919 % 101) / 100 * (0.5 + 0.5 * (n % MODELS) / MODELS)


lam_g, LEVELS = 10.0, 2.0 ** np.arange(6)
INTERCEPTS, SLOPES, START = 2.5 * LEVELS, 7.5 * LEVELS, (10.0, 30.0)
prior, due = START, 20
A = np.zeros((MODELS, 2, F + 1, F + 1)); b = np.zeros((MODELS, 2, F + 1)); s = np.zeros((MODELS, 2, F + 1))
G = np.eye(2 * F + MODELS) * lam_g; gb = np.zeros(2 * F + MODELS); g = np.zeros(2 * F)
n_, e_, ee, err = 0.0, 0.0, 0.0, np.zeros(2)


def moments():
    m = (0.5 + e_) / (1 + n_); v = (0.5 + ee) / (1 + n_) - m * m
    return m, m + 0.25 * np.sqrt(v), ((0.05 + err) / (1 + n_)).mean()


def precisions(prior):
    return np.diag(np.append(np.full(F, prior[1]), prior[0]))


def log_evidence(prior, m, noise):
    # outcomes of a model are normal with covariance noise (I + Z L^-1 Z'), by the lemmas of Woodbury and Sylvester
    total = -0.5 * (np.log(prior[0] / START[0]) ** 2 + np.log(prior[1] / START[1]) ** 2)
    for a in range(MODELS):
        for i in range(2):
            L = precisions(prior); right = b[a, i] - m * s[a, i]
            gain = right @ np.linalg.solve(A[a, i] + L, right) / noise
            total += 0.25 * (gain - np.linalg.slogdet(A[a, i] + L)[1] + np.linalg.slogdet(L)[1])
    return total


def blocks(x):
    return [np.append(x, 1.0), np.append(np.zeros(F), 1.0)]  # the basis of the test has no centroids


for t in range(STEPS):
    x, a, r = prompt(t), t % MODELS, quality(t)
    z = blocks(x); both = np.concatenate([x, np.zeros(F)])
    e = r - g @ both; m, r0, noise = moments()
    L = precisions(prior)
    f = [r0 + np.linalg.solve(A[a, i] + L, b[a, i] - r0 * s[a, i]) @ z[i] for i in range(2)]
    n_ += 1; e_ += e; ee += e * e; err += (e - np.array(f)) ** 2
    for i in range(2):
        A[a, i] += np.outer(z[i], z[i]); b[a, i] += e * z[i]; s[a, i] += z[i]
    full = np.append(both, np.eye(MODELS)[a]); G += np.outer(full, full); gb += (r - 0.5) * full
    g = np.linalg.solve(G, gb)[: 2 * F]
    if n_ >= due:
        m, _, noise = moments()
        prior = max(((i, s_) for i in INTERCEPTS for s_ in SLOPES), key=lambda prior: log_evidence(prior, m, noise))
        print(due, "outcomes: precisions", prior); due *= 1.5

m, r0, noise = moments(); rows = []; L = precisions(prior)
for t in (3, 1234, 19_999):
    x = prompt(t); z = blocks(x); hard = g[:F] @ x
    # models have as many outcomes: counts add nothing to the bonus, ln+((1 + 20,000) / (4 (1 + 5,000))) is 0
    for a in range(MODELS):
        centred = [m + np.linalg.solve(A[a, i] + L, b[a, i] - m * s[a, i]) @ z[i] for i in range(2)]
        ranked = [r0 + np.linalg.solve(A[a, i] + L, b[a, i] - r0 * s[a, i]) @ z[i] for i in range(2)]
        var = np.mean([z[i] @ np.linalg.solve(A[a, i] + L, z[i]) for i in range(2)])
        rows.append({"prompt": t, "model": a, "difficulty": hard, "blocks": [c + hard for c in centred],
                     "optimism": float(np.mean(ranked) - np.mean(centred)), "bonus": float(0.65 * np.sqrt(noise * var))})
out = os.path.join(os.path.dirname(os.path.abspath(__file__)), "posterior.json")
json.dump(rows, open(out, "w"), indent=1); open(out, "a").write("\n")
