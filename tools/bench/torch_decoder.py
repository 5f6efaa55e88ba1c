"""Clicks through the prompt encoder and mask decoder of the public PyTorch SAM (ViT-B's decoder): one per input line,
answered by a line.

Usage: torch_decoder.py THREADS. Needs torch and segment_anything. Used by `npm run bench -- --torch PYTHON`, which
measures the time. As in Meta's SamPredictor, up to the low-resolution logits.
"""
import sys

import torch
from segment_anything.modeling import MaskDecoder, PromptEncoder, TwoWayTransformer

torch.set_num_threads(int(sys.argv[1]))
torch.manual_seed(0)
prompt_encoder = PromptEncoder(embed_dim=256, image_embedding_size=(64, 64), input_image_size=(1024, 1024), mask_in_chans=16)
decoder = MaskDecoder(
    num_multimask_outputs=3,
    transformer=TwoWayTransformer(depth=2, embedding_dim=256, mlp_dim=2048, num_heads=8),
    transformer_dim=256, iou_head_depth=3, iou_head_hidden_dim=256,
)
embedding = torch.randn(1, 256, 64, 64)
points = (torch.tensor([[[500.0, 300.0]]]), torch.ones(1, 1, dtype=torch.int))


@torch.inference_mode()
def click():
    sparse, dense = prompt_encoder(points=points, boxes=None, masks=None)
    return decoder(image_embeddings=embedding, image_pe=prompt_encoder.get_dense_pe(),
                   sparse_prompt_embeddings=sparse, dense_prompt_embeddings=dense, multimask_output=True)


for _ in range(3):
    click()
for _ in sys.stdin:
    click()
    print(flush=True)
