"""Writes OUT_DIR/tiny-vit-io.safetensors and OUT_DIR/mobile-io.{safetensors,json}: numbers of the public MobileSAM.

    pip install torch==2.0.1 torchvision==0.15.2 timm "numpy<2" pillow safetensors
    pip install git+https://github.com/ChaoningZhang/MobileSAM@34bbbfdface3c18e5221aa7de6032d7220c6c6a1
    python tools/reference/mobile.py mobile_sam.pt OUT_DIR

- tiny-vit-io: each stage and the embedding of a TinyViT with hash-filled weights, `tinyVitTest` of packages/core/src/sam/config.ts.
- mobile-io: the checkpoint on a drawn picture: every 8th channel and place of the embedding, and for each prompt every 16th low-resolution logit
  of the four masks and their predicted IoU.

`eval()` follows `load_state_dict`: it gathers the attention biases, and `sam_model_registry["vit_t"](file)` calls it before the weights are there.
"""

import argparse
import json
from math import sqrt
from pathlib import Path

import numpy as np
import torch
from mobile_sam import SamPredictor, sam_model_registry
from mobile_sam.modeling.tiny_vit_sam import TinyViT
from safetensors.numpy import save_file

from hash_fill import hash_fill

PROMPTS = {
    "point": {"point_coords": [[300.0, 300.0]], "point_labels": [1]},
    "two_points": {"point_coords": [[300.0, 300.0], [700.0, 400.0]], "point_labels": [1, 0]},
    "box": {"box": [560.0, 250.0, 880.0, 560.0]},
    "box_points": {"box": [150.0, 150.0, 500.0, 500.0], "point_coords": [[310.0, 290.0], [180.0, 170.0]], "point_labels": [1, 0]},
    "mask": {"mask": True},
    "mask_point": {"mask": True, "point_coords": [[720.0, 410.0]], "point_labels": [1]},
}


def picture(width=1024, height=768):
    """Three discs on a slope, in whole numbers."""
    y, x = np.mgrid[0:height, 0:width]
    rgb = np.stack([x // 8 + 40, y // 8 + 60, (x + y) // 16 + 30], 2)
    for cx, cy, r, colour in [(320, 310, 150, (220, 60, 50)), (720, 410, 140, (50, 90, 210)), (720, 410, 60, (240, 220, 90))]:
        rgb[(x - cx) ** 2 + (y - cy) ** 2 < r * r] = colour
    return rgb.astype(np.uint8)


def tiny_vit():
    model = TinyViT(img_size=128, num_classes=1, embed_dims=[8, 16, 24, 32], depths=[1, 1, 2, 1], num_heads=[1, 2, 3, 4],
                    window_sizes=[3, 3, 5, 3], mlp_ratio=2.0, drop_path_rate=0.0)
    model.layers[2].downsample.conv2.c.stride = (1, 1)  # the public code tells the last merging by its published widths
    model.neck[0], model.neck[2] = torch.nn.Conv2d(32, 32, 1, bias=False), torch.nn.Conv2d(32, 32, 3, padding=1, bias=False)
    model.neck[1], model.neck[3] = type(model.neck[1])(32), type(model.neck[1])(32)
    state = {}
    for name, tensor in model.state_dict().items():
        at = name.rsplit(".bn.", 1)[0]
        if ".bn." not in name:
            state[name] = hash_fill(f"image_encoder.{name}", tensor.shape)
        elif name.endswith("bn.bias"):  # a norm that only adds the bias of the folded convolution
            state[name] = hash_fill(f"image_encoder.{at}.c.bias", tensor.shape)
        else:
            state[name] = torch.full_like(tensor, {"weight": 1, "running_mean": 0, "running_var": 1 - 1e-5, "num_batches_tracked": 0}[name.rsplit(".", 1)[1]])
    model.load_state_dict(state)
    model.eval()
    x = hash_fill("image", (1, 3, 128, 128)) * 100
    tensors = {}
    x = model.patch_embed(x)
    tensors["block0"] = x.permute(0, 2, 3, 1)
    for i, layer in enumerate(model.layers):
        x = layer(x)
        side = int(sqrt(x.shape[1]))
        tensors[f"block{i + 1}"] = x.reshape(1, side, side, -1)
    tensors["image_embedding"] = model.neck(x.reshape(1, side, side, -1).permute(0, 3, 1, 2))
    return {name: t.flatten()[::7].contiguous().numpy() for name, t in tensors.items()}


def mobile(checkpoint):
    sam = sam_model_registry["vit_t"](checkpoint)
    sam.eval()
    predictor = SamPredictor(sam)
    predictor.set_image(picture())
    tensors = {"image_embedding": predictor.get_image_embedding()[..., ::8, ::8][:, ::8].contiguous().numpy()}
    mask = hash_fill("mask_prompt", (256 * 256,)).reshape(1, 256, 256).numpy() * 80
    for name, prompt in PROMPTS.items():
        arrays = {key: np.array(value) for key, value in prompt.items() if key != "mask"}
        low, iou = [], []
        for multi in (False, True):
            _, scores, logits = predictor.predict(**arrays, mask_input=mask if "mask" in prompt else None, multimask_output=multi)
            low.append(logits[:, ::16, ::16])
            iou.append(scores)
        tensors |= {f"{name}/low_res": np.concatenate(low), f"{name}/iou": np.concatenate(iou)}
    return tensors


parser = argparse.ArgumentParser()
parser.add_argument("checkpoint")
parser.add_argument("out", type=Path)
args = parser.parse_args()
torch.set_num_threads(2)
made_with = {"script": "tools/reference/mobile.py", "torch": torch.__version__, "MobileSAM": "34bbbfd"}
with torch.no_grad():
    save_file(tiny_vit(), args.out / "tiny-vit-io.safetensors", metadata=made_with)
    save_file({k: np.ascontiguousarray(v) for k, v in mobile(args.checkpoint).items()}, args.out / "mobile-io.safetensors", metadata=made_with)
(args.out / "mobile-io.json").write_text(json.dumps({**made_with, "prompts": PROMPTS}, indent=1) + "\n")
