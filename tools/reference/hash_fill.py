"""Weights that are a pure function of their names: packages/core/src/weights/hash-fill.ts in numpy."""

from math import log, prod, sqrt

import numpy as np
import torch

SEED = 2023


def range_of(name, shape):
    """(offset, scale) of a parameter: the first rule that fits its name."""
    last, rank = name.split(".")[-1], len(shape)
    positional = "rel_pos" in last or last in ("pos_embed", "positional_embedding", "class_embedding")
    rules = [
        (name.endswith("positional_encoding_gaussian_matrix"), lambda: (0, sqrt(3))),
        (name.endswith("logit_scale"), lambda: (log(1 / 0.07), 0)),
        (positional or "position_embedding" in name, lambda: (0, 0.2)),
        (last == "weight" and rank == 1, lambda: (1, 0.2)),
        (last in ("bias", "in_proj_bias"), lambda: (0, 0.1)),
        (rank == 2 and "embed" in name and any(part in name for part in ("token", "_embed", "point_embeddings")), lambda: (0, 1)),
        (rank < 2, lambda: (0, 0.1)),
        ("upscaling" in name and rank == 4, lambda: (0, sqrt(3 / shape[0]))),
        (True, lambda: (0, sqrt(3 / prod(shape[1:])))),
    ]
    return next(found() for fits, found in rules if fits)


def hash_fill(name, shape):
    start = 0x811C9DC5
    for byte in name.encode():
        start = (start ^ byte) * 0x01000193 & 0xFFFFFFFF
    x = np.arange(prod(shape), dtype=np.uint32) * np.uint32(0x9E3779B9) + np.uint32(start ^ SEED)
    x = (x ^ x >> 16) * np.uint32(0x85EBCA6B)
    x = (x ^ x >> 13) * np.uint32(0xC2B2AE35)
    x ^= x >> 16
    offset, scale = map(np.float32, range_of(name, shape))
    return torch.from_numpy(offset + scale * (x / 2**31 - 1).astype(np.float32)).reshape(shape)
