"""Writes OUT_DIR/onnx-decoder[-NAME].safetensors: outputs of the public PyTorch `SamOnnxModel`.

    pip install torch==2.0.1 torchvision==0.15.2 segment-anything==1.0 "numpy<2" safetensors
    python tools/reference/onnx_decoder.py OUT_DIR                          the tiny SAM of tiny-checkpoint.safetensors
    python tools/reference/onnx_decoder.py OUT_DIR --decoder FILE NAME      a decoder of Meta's width, for verify:exports

FILE is a safetensors file: `sam export mobile_sam mobile.safetensors --format safetensors`.

Each case is `<options>/<points>-<mask|none>-<height>x<width>/`: the inputs and, under the names of the outputs, the
results. Large masks are sampled: every 16th row and column.
"""

import argparse
from importlib.metadata import version
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from segment_anything.modeling import ImageEncoderViT, MaskDecoder, PromptEncoder, Sam, TwoWayTransformer
from segment_anything.utils.onnx import SamOnnxModel

OPTIONS = {
    "all": {},
    "single": {"return_single_mask": True},
    "single-stability": {"return_single_mask": True, "use_stability_score": True},
    "stability": {"use_stability_score": True},
    "extra": {"return_extra_metrics": True},
}
TINY = [(1, False, (30, 40)), (2, True, (50, 20)), (3, False, (33, 33)), (7, True, (9, 130))]
FULL = [(1, False, (1200, 1800)), (2, True, (1200, 1800)), (3, False, (640, 480)), (9, True, (77, 1500))]


def sam(width, grid, image_size, heads, mlp, iou_hidden, weights):
    encoder = ImageEncoderViT(img_size=image_size, patch_size=16, embed_dim=32, depth=1, num_heads=2, out_chans=width)
    prompt_encoder = PromptEncoder(
        embed_dim=width, image_embedding_size=(grid, grid), input_image_size=(image_size,) * 2, mask_in_chans=16
    )
    decoder = MaskDecoder(
        num_multimask_outputs=3,
        transformer=TwoWayTransformer(depth=2, embedding_dim=width, mlp_dim=mlp, num_heads=heads),
        transformer_dim=width,
        iou_head_depth=3,
        iou_head_hidden_dim=iou_hidden,
    )
    model = Sam(encoder, prompt_encoder, decoder).eval()
    wanted = [name for name in model.state_dict() if not name.startswith("image_encoder.")]
    missing, _ = model.load_state_dict({name: weights[name] for name in wanted}, strict=False)
    assert all(name.startswith("image_encoder.") for name in missing), missing
    return model


parser = argparse.ArgumentParser()
parser.add_argument("out", type=Path)
parser.add_argument("--decoder", nargs=2, metavar=("FILE", "NAME"))
args = parser.parse_args()
torch.set_num_threads(2)
torch.manual_seed(2023)
tiny = args.decoder is None
file, name = (Path(__file__).parents[2] / "fixtures/tiny-checkpoint.safetensors", "") if tiny else args.decoder
weights = load_file(file)
width, grid, image_size = (32, 8, 128) if tiny else (256, 64, 1024)
model = sam(width, grid, image_size, *((4, 64, 32) if tiny else (8, 2048, 256)), weights)

embeddings = weights.get("image_embeddings", torch.randn(1, width, grid, grid))
mask = torch.randn(1, 1, grid, grid).mul(8)
mask = torch.nn.functional.interpolate(mask, scale_factor=4, mode="bilinear")
tensors = {"image_embeddings": embeddings, "mask_input": mask}
for key, options in OPTIONS.items():
    network = SamOnnxModel(model, **{"return_single_mask": False, **options})
    for n, has_mask, size in TINY if tiny else FULL:
        prefix = f"{key}/{n}-{'mask' if has_mask else 'none'}-{size[0]}x{size[1]}"
        prompt = {
            "point_coords": torch.rand(1, n, 2) * image_size,
            "point_labels": torch.tensor([1, 0, -1, 2, 3, 1, 1, 0, 0][:n]).float()[None],
            "has_mask_input": torch.tensor([float(has_mask)]),
            "orig_im_size": torch.tensor(size).float(),
        }
        outputs = network(embeddings, prompt["point_coords"], prompt["point_labels"], mask, prompt["has_mask_input"], prompt["orig_im_size"])
        names = ["masks", "iou_predictions", "low_res_masks"]
        if "return_extra_metrics" in options:
            names[2:2] = ["stability_scores", "areas"]
        found = dict(zip(names, outputs, strict=True))
        if key != "all":
            found.pop("low_res_masks")
            found.pop("masks") if key != "single" else None
        if not tiny:
            found = {k: v[..., ::16, ::16] if "masks" in k else v for k, v in found.items()}
        tensors |= {f"{prefix}/{k}": v.contiguous().to(torch.float32) for k, v in {**prompt, **found}.items()}
made_with = {"script": "tools/reference/onnx_decoder.py", **{p: version(p) for p in ("torch", "segment-anything")}}
save_file({k: v.contiguous().clone() for k, v in tensors.items()}, args.out / f"onnx-decoder{name and f'-{name}'}.safetensors", metadata=made_with)
