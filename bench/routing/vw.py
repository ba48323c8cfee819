"""Plays the streams of a folder that vw.mts writes with Vowpal Wabbit's SquareCB and prints what it chose.

Each setting plays all seeds; the answer is that of the setting with the most reward, so it is better than anybody
could have had who had to choose the setting beforehand.
"""

import array
import json
import os
import random
import sys
import time

from vowpalwabbit import Workspace

RATES = {"rate .2": "-l 0.2", "rate .5": "-l 0.5", "constant rate 2": "-l 2 --power_t 0 --l2 1e-6"}

SETTINGS = {
    f"gamma {gamma:,}, {name}": f"--cb_explore_adf --squarecb --gamma_scale {gamma} --cb_type mtr {rate} "
    "-q SA --ignore_linear S --quiet"
    for gamma in (1000, 20_000)
    for name, rate in RATES.items()
}


def read(folder, name, kind):
    values = array.array(kind)
    with open(os.path.join(folder, name), "rb") as file:
        values.frombytes(file.read())
    return values


def play(options, contexts, utility, models, order, seed):
    vw = Workspace(f"{options} --random_seed {seed + 1}")
    draw = random.Random(seed)
    chosen = []
    for prompt in order:
        shared = contexts[prompt]
        shares = vw.predict([shared, *(f"|A m{k}" for k in range(models))])
        model = draw.choices(range(models), shares)[0]
        cost = 1 - utility[prompt * models + model]
        vw.learn(
            [shared, *(f"{f'0:{cost}:{shares[k]} ' if k == model else ''}|A m{k}" for k in range(models))]
        )
        chosen.append(model)
    vw.finish()
    return chosen


def main(folder):
    with open(os.path.join(folder, "about.json"), encoding="utf8") as file:
        about = json.load(file)
    models, width = about["models"], about["width"]
    features = read(folder, "features.f32", "f")
    utility = read(folder, "utility.f64", "d")
    contexts = [
        "shared |S b:1 " + " ".join(f"f{i}:{features[row * width + i]:.5f}" for i in range(width))
        for row in range(about["prompts"])
    ]
    best = None
    for setting, options in SETTINGS.items():
        began = time.perf_counter()
        chosen = [
            play(options, contexts, utility, models, read(folder, f"order{i}.u32", "I"), seed)
            for i, seed in enumerate(about["seeds"])
        ]
        seconds = time.perf_counter() - began
        reward = sum(
            utility[prompt * models + model]
            for i, row in enumerate(chosen)
            for prompt, model in zip(read(folder, f"order{i}.u32", "I"), row)
        )
        if best is None or reward > best[0]:
            best = (reward, setting, chosen, seconds)
    _, setting, chosen, seconds = best
    print(json.dumps({"setting": setting, "settings": len(SETTINGS), "chosen": chosen, "seconds": seconds}))


main(sys.argv[1])
