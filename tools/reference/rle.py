"""Writes fixtures/rle.json: masks compressed by pycocotools, with their area and box.

    pip install pycocotools numpy
    python tools/reference/rle.py
"""

import json
from importlib.metadata import version
from pathlib import Path

import numpy as np
from pycocotools import mask as coco


def ellipse(h, w, y, x, ry, rx):
    ys, xs = np.mgrid[:h, :w]
    return ((ys - y) / ry) ** 2 + ((xs - x) / rx) ** 2 <= 1


rng = np.random.default_rng(2023)
masks = {
    "empty": np.zeros((5, 7)),
    "full": np.ones((5, 7)),
    "one pixel": np.ones((1, 1)),
    "first pixel": np.eye(4, 6) * (np.arange(4)[:, None] == 0),
    "last pixel": np.eye(6) * (np.arange(6)[:, None] == 5),
    "row": rng.random((1, 60)) > 0.5,
    "column": rng.random((60, 1)) > 0.5,
    "checkers": np.indices((6, 9)).sum(0) % 2,
    "noise": rng.random((23, 31)) > 0.7,
    "ring": ellipse(120, 90, 60, 45, 50, 40) ^ ellipse(120, 90, 60, 45, 30, 20),
    "blobs": ellipse(200, 300, 60, 70, 50, 60) | ellipse(200, 300, 150, 220, 20, 70),
    "long runs": ellipse(400, 500, 200, 230, 190, 3) | ellipse(400, 500, 80, 470, 79, 20),
}

cases = []
for name, mask in masks.items():
    mask = np.asfortranarray(mask.astype(np.uint8))
    packed = coco.encode(mask)
    flat = mask.flatten(order="F")
    edges = np.flatnonzero(np.diff(flat)) + 1
    counts = np.diff(np.concatenate([[0], edges, [flat.size]])).tolist()
    cases.append({
        "name": name,
        "size": list(mask.shape),
        "counts": ([0] if flat[0] else []) + counts,
        "packed": packed["counts"].decode(),
        "area": int(coco.area(packed)),
        "bbox": [int(v) for v in coco.toBbox(packed)],
    })

out = {"script": "tools/reference/rle.py", "pycocotools": version("pycocotools"), "cases": cases}
path = Path(__file__).parents[2] / "fixtures" / "rle.json"
path.write_text(json.dumps(out).replace('{"name"', '\n{"name"') + "\n")
