"""Writes fixtures/resize.safetensors: Pillow's bilinear resize of random images of odd sizes.

    pip install pillow numpy safetensors
    python tools/reference/resize.py

Each case is a pair of u8 tensors [height, width, 3], `<n>/in` and `<n>/out`.
"""

from pathlib import Path

import numpy as np
from PIL import Image, __version__
from safetensors.numpy import save_file

# (height, width) of the input and of the output
CASES = [
    ((37, 53), (44, 64)), ((53, 37), (64, 45)), ((97, 61), (32, 20)), ((61, 97), (9, 13)), ((33, 33), (33, 33)),
    ((1, 40), (1, 64)), ((40, 1), (64, 1)), ((1, 200), (1, 64)), ((200, 1), (64, 1)), ((1, 1), (64, 64)),
    ((7, 5), (64, 46)), ((90, 120), (48, 64)), ((120, 90), (64, 90)), ((45, 64), (91, 64)), ((17, 300), (4, 64)),
]

rng = np.random.default_rng(2023)
tensors = {}
for n, ((h, w), (new_h, new_w)) in enumerate(CASES):
    # Half noise, half saturated edges: these cover rounding and clipping.
    pixels = rng.integers(0, 256, (h, w, 3), dtype=np.uint8)
    if n % 2:
        pixels = np.where(pixels > 127, 255, 0).astype(np.uint8)
    tensors[f"{n}/in"] = pixels
    tensors[f"{n}/out"] = np.array(Image.fromarray(pixels).resize((new_w, new_h), Image.BILINEAR))

out = Path(__file__).parents[2] / "fixtures" / "resize.safetensors"
save_file(tensors, out, metadata={"script": "tools/reference/resize.py", "pillow": __version__})
