"""Writes OUT_DIR/many-points-{vit_b,vit_l,vit_h}.{safetensors,json}: predictions of the public PyTorch SAM for prompts of
one to forty points.

    pip install torch==2.0.1 torchvision==0.15.2 segment-anything==1.0 "numpy<2" pillow safetensors
    python tools/reference/many_points.py PHOTO OUT_DIR [vit_b vit_l vit_h] [--check DIR]

The weights are hash-filled. For each prompt, `multi` and `single`: the scores, every 48th logit of the masks at the
photo's size and, in the json, the number of positive logits.
With --check, the results in DIR/{vit_b,vit_l,vit_h}-io.{safetensors,json} must be reproduced first: same photo, other
prompts.
"""

import argparse
import json
from importlib.metadata import version
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from safetensors.numpy import load_file, save_file
from segment_anything import SamPredictor, sam_model_registry

from hash_fill import SEED, hash_fill

SETS = {"points1": 1, "points9": 9, "points12": 12, "points17": 17, "points18": 18, "points40": 40, "box_points8": 8, "box_points16": 16}


def random_prompts(width, height):
    rng = np.random.default_rng(SEED)
    for key, n in SETS.items():
        box = {"box": [360.0, 120.0, 1260.0, 1080.0]} if key.startswith("box") else {}
        coords = rng.integers(0, (width, height), (n, 2)).astype(float).tolist()
        yield key, {**box, "point_coords": coords, "point_labels": [1, *rng.integers(0, 2, n - 1).tolist()]}


def predictions(predictor, prompt, every):
    for kind in ("multi", "single"):
        arrays = {key: np.array(value) for key, value in prompt.items()}
        logits, scores, _ = predictor.predict(**arrays, multimask_output=kind == "multi", return_logits=True)
        yield kind, scores, np.ascontiguousarray(logits[:, ::every, ::every]), [int(n) for n in (logits > 0).sum((1, 2))]


def check(predictor, path):
    wanted, worst = load_file(f"{path}.safetensors"), {}

    def compare(what, found, expected):
        worst[what] = np.maximum(worst.get(what, 0), np.abs(np.subtract(found, expected)).max())

    compare("embedding", predictor.get_image_embedding()[..., ::4, ::4].numpy(), wanted["image_embedding_every4"])
    for key, expected in json.loads(Path(f"{path}.json").read_text())["prompts"].items():
        if not key.startswith("mask"):
            for kind, scores, logits, areas in predictions(predictor, expected["prompt"], 16):
                compare("scores", scores, wanted[f"{key}/{kind}/scores"])
                compare("logits", logits, wanted[f"{key}/{kind}/logits_every16"])
                compare("areas", areas, expected[kind]["areas"])
    print(f"{path.name}, largest errors:", ", ".join(f"{what} {error:.2g}" for what, error in worst.items()), flush=True)
    assert np.max([worst["embedding"], worst["scores"], worst["logits"]]) < 1e-3  # NaN fails too


parser = argparse.ArgumentParser()
parser.add_argument("photo", type=Path)
parser.add_argument("out", type=Path)
parser.add_argument("models", nargs="*", default=["vit_b", "vit_l", "vit_h"])
parser.add_argument("--check", type=Path)
args = parser.parse_args()
torch.set_num_threads(2)
args.out.mkdir(parents=True, exist_ok=True)
photo = Image.open(args.photo).convert("RGB")
for model in args.models:
    sam = sam_model_registry[model]()
    for name, tensor in sam.state_dict().items():
        tensor.copy_(hash_fill(name, tensor.shape))
    predictor = SamPredictor(sam.eval())
    predictor.set_image(np.array(photo))
    if args.check:
        check(predictor, args.check / f"{model}-io")
    tensors, rows = {}, []
    for key, prompt in random_prompts(*photo.size):
        row = {"prompt": prompt}
        for kind, scores, logits, areas in predictions(predictor, prompt, 48):
            tensors |= {f"{key}/{kind}/scores": scores, f"{key}/{kind}/logits_every48": logits}
            row[kind] = {"areas": areas}
        rows.append(f"{json.dumps(key)}: {json.dumps(row)}")
    made_with = {"script": "tools/reference/many_points.py", **{package: version(package) for package in ("torch", "segment-anything")}}
    save_file(tensors, args.out / f"many-points-{model}.safetensors", metadata=made_with)
    head = json.dumps({**made_with, "model": model, "seed": SEED, "image": args.photo.name, "original_size": photo.size[::-1]})
    (args.out / f"many-points-{model}.json").write_text(f'{head[:-1]}, "prompts": {{\n' + ",\n".join(rows) + "\n}}\n")
