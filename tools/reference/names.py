"""Writes fixtures/names/{vit_b,vit_l,vit_h}.json: every parameter's name and shape, from Meta's own code alone.

    pip install torch
    git clone https://github.com/facebookresearch/segment-anything
    python tools/reference/names.py segment-anything

The models are built on torch's meta device, so that no weight is allocated. The package's __init__ is skipped, because it
imports torchvision.
"""

import json
import sys
import types
from pathlib import Path

import torch

package = types.ModuleType("segment_anything")
package.__path__ = [str(Path(sys.argv[1]) / "segment_anything")]
sys.modules["segment_anything"] = package
from segment_anything.build_sam import sam_model_registry  # noqa: E402

out = Path(__file__).parents[2] / "fixtures" / "names"
out.mkdir(exist_ok=True)
for name in ["vit_b", "vit_l", "vit_h"]:
    with torch.device("meta"):
        state = sam_model_registry[name]().state_dict()
    rows = [f"{json.dumps(key)}: {json.dumps(list(value.shape))}" for key, value in state.items()]
    (out / f"{name}.json").write_text("{\n" + ",\n".join(rows) + "\n}\n")
    print(f"{name}: {len(rows)} tensors, {sum(value.numel() for value in state.values()):,} values")
