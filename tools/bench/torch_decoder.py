"""One click through the prompt encoder and mask decoder of the public PyTorch SAM (ViT-B's decoder), in milliseconds.

Needs torch and the package segment_anything on the path of the given Python; used by `npm run bench -- --torch PYTHON` only.
"""
import json
import time

import torch
from segment_anything.modeling import MaskDecoder, PromptEncoder, TwoWayTransformer

torch.manual_seed(0)
prompt_encoder = PromptEncoder(embed_dim=256, image_embedding_size=(64, 64), input_image_size=(1024, 1024), mask_in_chans=16)
decoder = MaskDecoder(
    num_multimask_outputs=3,
    transformer=TwoWayTransformer(depth=2, embedding_dim=256, mlp_dim=2048, num_heads=8),
    transformer_dim=256, iou_head_depth=3, iou_head_hidden_dim=256,
)
embedding = torch.randn(1, 256, 64, 64)
points = (torch.tensor([[[500.0, 300.0]]]), torch.ones(1, 1, dtype=torch.int))

times = []
with torch.no_grad():
    for i in range(35):
        start = time.perf_counter()
        sparse, dense = prompt_encoder(points=points, boxes=None, masks=None)
        decoder(image_embeddings=embedding, image_pe=prompt_encoder.get_dense_pe(),
                sparse_prompt_embeddings=sparse, dense_prompt_embeddings=dense, multimask_output=True)
        if i >= 5:
            times.append((time.perf_counter() - start) * 1000)
times.sort()
print(json.dumps({'best': times[0], 'median': times[len(times) // 2]}))
