"""Writes fixtures/automatic-masks.json: masks of the public SamAutomaticMaskGenerator with fixtures/tiny-checkpoint.safetensors.

    pip install torch==2.0.1 torchvision==0.15.2 segment-anything==1.0 "numpy<2" safetensors opencv-python-headless==4.10.0.84 pycocotools
    python tools/reference/automatic_masks.py

The weights are pseudorandom, so predicted IoUs are near 0 and logits within ±1: the settings have thresholds that fit. Each
setting gives the arguments of the class, the model's `mask_threshold`, and the records with COCO RLE.
"""

import json
from functools import partial
from importlib.metadata import version
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file
from segment_anything import SamAutomaticMaskGenerator
from segment_anything.modeling import ImageEncoderViT, MaskDecoder, PromptEncoder, Sam, TwoWayTransformer

FIXTURES = Path(__file__).parents[2] / "fixtures"
EVERY = {"pred_iou_thresh": 0.0, "stability_score_thresh": 0.0}
FILTERED = {"pred_iou_thresh": 0.05, "stability_score_thresh": 0.3, "stability_score_offset": 0.02}
SETTINGS = {
    "filtered": (0.5, {"points_per_side": 8, **FILTERED, "box_nms_thresh": 0.98}),
    "unfiltered, small batches": (0.5, {"points_per_side": 8, "points_per_batch": 7, **EVERY, "box_nms_thresh": 0.8}),
    "negative thresholds": (0.6, {"points_per_side": 6, "pred_iou_thresh": -1.0, "stability_score_thresh": -1.0}),
    "one layer": (0.6, {"points_per_side": 6, "crop_n_layers": 1, **EVERY}),
    "two layers, fewer points": (0.6, {"points_per_side": 6, "crop_n_layers": 2, "crop_n_points_downscale_factor": 2, **EVERY, "crop_nms_thresh": 0.5}),
    "more overlap": (0.5, {"points_per_side": 5, "crop_n_layers": 1, "crop_overlap_ratio": 0.6, **EVERY, "box_nms_thresh": 0.8, "crop_nms_thresh": 0.9}),
    "no overlap": (0.6, {"points_per_side": 5, "crop_n_layers": 1, "crop_overlap_ratio": 0.0, **EVERY, "box_nms_thresh": 0.9, "crop_nms_thresh": 0.9}),
    "own points": (0.6, {"point_grids": [[[0.2, 0.3], [0.7, 0.6], [0.5, 0.9]], [[0.5, 0.5], [0.25, 0.75]]], "crop_n_layers": 1, **EVERY, "box_nms_thresh": 0.9}),
    "regions": (0.5, {"points_per_side": 8, "min_mask_region_area": 500, **EVERY, "box_nms_thresh": 0.9}),
    "regions, one layer": (0.5, {"points_per_side": 6, "crop_n_layers": 1, "min_mask_region_area": 150, **EVERY, "crop_nms_thresh": 0.9}),
}


def picture(width=400, height=300):
    """Curved stripes, in whole numbers."""
    y, x = np.mgrid[0:height, 0:width]
    return np.stack([(x * x // 64 + 3 * y) % 256, (y * y // 48 + 5 * x) % 256, (x * y // 96 + 7 * x) % 256], 2).astype(np.uint8)


def tiny_sam():
    encoder = ImageEncoderViT(
        img_size=128, patch_size=16, embed_dim=32, depth=4, num_heads=2, out_chans=32, use_rel_pos=True, window_size=3,
        global_attn_indexes=[1, 3], norm_layer=partial(torch.nn.LayerNorm, eps=1e-6))
    transformer = TwoWayTransformer(depth=2, embedding_dim=32, mlp_dim=64, num_heads=4)
    decoder = MaskDecoder(transformer_dim=32, transformer=transformer, iou_head_hidden_dim=32)
    sam = Sam(encoder, PromptEncoder(32, (8, 8), (128, 128), 16), decoder)
    sam.load_state_dict(load_file(FIXTURES / "tiny-checkpoint.safetensors"))
    return sam.eval()


def rounded(record):
    scores = {key: None if np.isnan(record[key]) else round(record[key], 6) for key in ("predicted_iou", "stability_score")}
    return {**record, **scores, "segmentation": record["segmentation"]["counts"]}


torch.set_num_threads(1)
sam = tiny_sam()
lines = []
for name, (mask_threshold, args) in SETTINGS.items():
    sam.mask_threshold = mask_threshold
    grids = {"points_per_side": None, "point_grids": [np.array(grid) for grid in args["point_grids"]]} if "point_grids" in args else {}
    records = SamAutomaticMaskGenerator(sam, **{**args, **grids}, output_mode="coco_rle").generate(picture())
    print(f"{name}: {len(records)} masks, {sum(r['area'] == 0 for r in records)} empty, {len({tuple(r['crop_box']) for r in records})} crops", flush=True)
    rows = ",\n".join(json.dumps(rounded(record)) for record in records)
    lines.append(f"{json.dumps(name)}: {json.dumps({'args': args, 'mask_threshold': mask_threshold})[:-1]}, \"records\": [\n{rows}\n]}}")
made_with = {"script": "tools/reference/automatic_masks.py", **{package: version(package) for package in ("torch", "segment-anything")}}
head = json.dumps({**made_with, "size": [300, 400]})
(FIXTURES / "automatic-masks.json").write_text(f'{head[:-1]}, "settings": {{\n' + ",\n".join(lines) + "\n}}\n")
