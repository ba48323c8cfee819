"""Writes posterior.json: what a router must have learned after 20,000 outcomes, solved directly at every step.

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


lam, lam_g = 20.0, 10.0
A = np.stack([[np.eye(F + 1) * lam] * 2] * MODELS).astype(float); b = np.zeros((MODELS, 2, F + 1)); s = np.zeros((MODELS, 2, F + 1))
G = np.eye(2 * F + MODELS) * lam_g; gb = np.zeros(2 * F + MODELS); g = np.zeros(2 * F)
n_, e_, ee, err = 0.0, 0.0, 0.0, np.zeros(2)


def moments():
    m = (0.5 + e_) / (1 + n_); v = (0.5 + ee) / (1 + n_) - m * m
    return m, m + 0.5 * np.sqrt(v), ((0.05 + err) / (1 + n_)).mean()


def blocks(x):
    return [np.append(x, 1.0), np.append(np.zeros(F), 1.0)]  # the basis of the test has no centroids


for t in range(STEPS):
    x, a, r = prompt(t), t % MODELS, quality(t)
    z = blocks(x); both = np.concatenate([x, np.zeros(F)])
    e = r - g @ both; m, r0, noise = moments()
    f = [r0 + np.linalg.solve(A[a, i], b[a, i] - r0 * s[a, i]) @ z[i] for i in range(2)]
    n_ += 1; e_ += e; ee += e * e; err += (e - np.array(f)) ** 2
    for i in range(2):
        A[a, i] += np.outer(z[i], z[i]); b[a, i] += e * z[i]; s[a, i] += z[i]
    full = np.append(both, np.eye(MODELS)[a]); G += np.outer(full, full); gb += (r - 0.5) * full
    g = np.linalg.solve(G, gb)[: 2 * F]

m, r0, noise = moments(); rows = []
for t in (3, 1234, 19_999):
    x = prompt(t); z = blocks(x); hard = g[:F] @ x
    for a in range(MODELS):
        centred = [m + np.linalg.solve(A[a, i], b[a, i] - m * s[a, i]) @ z[i] for i in range(2)]
        ranked = [r0 + np.linalg.solve(A[a, i], b[a, i] - r0 * s[a, i]) @ z[i] for i in range(2)]
        var = np.mean([z[i] @ np.linalg.solve(A[a, i], z[i]) for i in range(2)])
        rows.append({"prompt": t, "model": a, "difficulty": hard, "blocks": [c + hard for c in centred],
                     "optimism": float(np.mean(ranked) - np.mean(centred)), "bonus": float(0.65 * np.sqrt(noise * var))})
out = os.path.join(os.path.dirname(os.path.abspath(__file__)), "posterior.json")
json.dump(rows, open(out, "w"), indent=1); open(out, "a").write("\n")
