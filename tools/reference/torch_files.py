"""Writes fixtures/torch/: small files in the formats of torch.save, and the expected tensors.

    pip install torch==2.5.1 safetensors
    python tools/reference/torch_files.py
"""

import argparse
import os
import pathlib

import torch
from safetensors.torch import save_file

OUT = pathlib.Path(__file__).parents[2] / "fixtures" / "torch"
OUT.mkdir(parents=True, exist_ok=True)


class Harmful:
    def __reduce__(self):
        return os.system, ("echo this must never run",)


base = torch.arange(24, dtype=torch.float32).reshape(4, 6) / 4
layer = torch.nn.Linear(3, 2)
with torch.no_grad():
    layer.weight.copy_(torch.tensor([[1.0, 2, 3], [4, 5, 6]]))
    layer.bias.copy_(torch.tensor([-1.0, 0.5]))

model = layer.state_dict()  # an OrderedDict with a _metadata attribute
model.update(
    base=base,
    transposed=base.T,
    row=base[2],
    column=base[:, 1],
    every_other=base[::2, 1::2],
    expanded=torch.tensor([1.5, 2.5]).expand(1, 2),
    parameter=torch.nn.Parameter(torch.tensor([7.0])),
    scalar=torch.tensor(3.25),
    empty=torch.zeros(0, 3),
    half=torch.tensor([1.0, -2.5, 65504]).half(),
    bfloat=torch.tensor([1.0, -2.5, 3e38]).bfloat16(),
    double=torch.tensor([0.1, 1e300], dtype=torch.float64),
    long=torch.tensor([-(2**40), 2**53 + 1]),
    int=torch.tensor([-5, 6], dtype=torch.int32),
    short=torch.tensor([-5, 6], dtype=torch.int16),
    char=torch.tensor([-5, 6], dtype=torch.int8),
    byte=torch.tensor([5, 250], dtype=torch.uint8),
    bool=torch.tensor([True, False]),
)

optimizer = torch.optim.AdamW(layer.parameters(), lr=1e-3)
layer(torch.ones(1, 3)).sum().backward()
optimizer.step()
args = argparse.Namespace(lr=1e-3, device=torch.device("cpu"), output=pathlib.PosixPath("out"), blocks=[1, 3], seed=2**70, name=None)
training = {"model": model, "optimizer": optimizer.state_dict(), "epoch": 3, "args": args, "done": True, "size": torch.Size([2, 3])}

torch.save(training, OUT / "training.pth")
torch.save(model, OUT / "protocol-4.pth", pickle_protocol=4)
torch.save(model, OUT / "legacy.pth", _use_new_zipfile_serialization=False)
torch.save({"weight": base, "note": Harmful()}, OUT / "harmful.pth")
save_file({name: tensor.detach().clone().contiguous() for name, tensor in model.items()}, OUT / "expected.safetensors")
