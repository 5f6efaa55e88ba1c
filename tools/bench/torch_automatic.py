"""Automatic masks by the public SamAutomaticMaskGenerator, from an image embedding: settings as JSON, one per input
line, answered by a line of JSON with seconds, the number of masks and the peak of memory.

Usage: torch_automatic.py THREADS CHECKPOINT EMBEDDING WIDTH HEIGHT. EMBEDDING holds float32 values, [1, 256, 64, 64].
Needs torch, numpy and segment_anything. Used by `npm run bench:automatic -- --torch PYTHON`.
"""
import json
import sys
import time

import numpy as np
import torch
from segment_anything import SamAutomaticMaskGenerator
from segment_anything.modeling import MaskDecoder, PromptEncoder, Sam, TwoWayTransformer

threads, checkpoint, embedding, width, height = sys.argv[1:]
torch.set_num_threads(int(threads))


class Encoded(torch.nn.Module):
    """Stands for the image encoder: the embedding is given."""

    img_size = 1024

    def __init__(self):
        super().__init__()
        self.value = torch.from_numpy(np.fromfile(embedding, np.float32).reshape(1, 256, 64, 64))

    def forward(self, _):
        return self.value


sam = Sam(
    image_encoder=Encoded(),
    prompt_encoder=PromptEncoder(embed_dim=256, image_embedding_size=(64, 64), input_image_size=(1024, 1024), mask_in_chans=16),
    mask_decoder=MaskDecoder(
        num_multimask_outputs=3,
        transformer=TwoWayTransformer(depth=2, embedding_dim=256, mlp_dim=2048, num_heads=8),
        transformer_dim=256, iou_head_depth=3, iou_head_hidden_dim=256,
    ),
).eval()
weights = torch.load(checkpoint, map_location="cpu")
missing, _ = sam.load_state_dict({k: v for k, v in weights.items() if not k.startswith("image_encoder")}, strict=False)
assert not missing, missing
image = np.zeros((int(height), int(width), 3), np.uint8)


def status(name):
    with open("/proc/self/status") as file:
        return next(int(line.split()[1]) / 1e3 for line in file if line.startswith(name))


for line in sys.stdin:
    with open("/proc/self/clear_refs", "w") as file:
        file.write("5")
    before, started = status("VmRSS"), time.perf_counter()
    masks = SamAutomaticMaskGenerator(sam, **json.loads(line)).generate(image)
    seconds = time.perf_counter() - started
    print(json.dumps({"seconds": seconds, "masks": len(masks), "megabytes": status("VmHWM") - before}), flush=True)
