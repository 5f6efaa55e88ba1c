"""One side of `npm run bench:train -- --torch PYTHON`: the same training step in PyTorch.

Answers each line on stdin with one line: 'name', 'step' (runs one, prints the loss), 'peak' (bytes). The model is the
public segment_anything in the recipe's size; the loss, and the decoder over padded prompts of many images at once,
follow the paper. Needs torch, numpy and segment_anything.
"""
import json
import re
import struct
import sys
from functools import partial
from types import MethodType

import numpy as np
import torch
import torch.nn.functional as F
from segment_anything.modeling import ImageEncoderViT, MaskDecoder, PromptEncoder, TwoWayTransformer
from segment_anything.modeling.transformer import Attention


def read_safetensors(path):
    with open(path, 'rb') as file:
        header = json.loads(file.read(struct.unpack('<Q', file.read(8))[0]))
        data = file.read()
    notes = header.pop('__metadata__')
    kinds = {'F32': np.float32, 'I32': np.int32}

    def tensor(dtype, shape, data_offsets):
        numbers = np.frombuffer(data, kinds[dtype], count=int(np.prod(shape)), offset=data_offsets[0])
        return torch.from_numpy(numbers.reshape(shape).copy())

    return {name: tensor(**entry) for name, entry in header.items()}, json.loads(notes['recipe'])


given, recipe = read_safetensors(sys.argv[1])
config = recipe['config']
vit, decoder_config = config['imageEncoder'], config['decoder']
grid = config['imageSize'] // vit['patchSize']

encoder = ImageEncoderViT(
    img_size=config['imageSize'], patch_size=vit['patchSize'], embed_dim=vit['width'], depth=vit['depth'], num_heads=vit['heads'],
    mlp_ratio=vit['mlpRatio'], out_chans=config['width'], norm_layer=partial(torch.nn.LayerNorm, eps=1e-6), use_rel_pos=True,
    window_size=vit['window'], global_attn_indexes=vit['globalBlocks'],
)
prompt_encoder = PromptEncoder(
    embed_dim=config['width'], image_embedding_size=(grid, grid), input_image_size=(config['imageSize'],) * 2,
    mask_in_chans=config['maskChannels'],
)
decoder = MaskDecoder(
    transformer_dim=config['width'], num_multimask_outputs=decoder_config['multimaskOutputs'],
    iou_head_hidden_dim=decoder_config['iouHiddenWidth'],
    transformer=TwoWayTransformer(
        depth=decoder_config['depth'], embedding_dim=config['width'], num_heads=decoder_config['heads'], mlp_dim=decoder_config['mlpWidth']),
)
model = torch.nn.ModuleDict({'image_encoder': encoder, 'prompt_encoder': prompt_encoder, 'mask_decoder': decoder})
model.load_state_dict({name: given[name] for name in model.state_dict()})
model.train()

# Padding is masked in every attention whose keys are tokens. The decoder's attention is PyTorch's own, its fastest.
outputs = 1 + decoder.num_mask_tokens
present = torch.cat([torch.ones(len(given['token_mask']), outputs), given['token_mask']], 1)
bias = ((present - 1) * 1e9)[:, None, None, :]


def attend(self, q, k, v):
    q, k, v = (self._separate_heads(x, self.num_heads) for x in (self.q_proj(q), self.k_proj(k), self.v_proj(v)))
    of_tokens = k.shape[2] == bias.shape[-1]
    return self.out_proj(self._recombine_heads(F.scaled_dot_product_attention(q, k, v, attn_mask=bias if of_tokens else None)))


assert bias.shape[-1] != grid * grid
for module in decoder.modules():
    if isinstance(module, Attention):
        module.forward = MethodType(attend, module)


def forward():
    embedding = encoder(given['image'])
    labels = given['point_labels'][..., None]
    sparse = prompt_encoder.pe_layer.forward_with_coords(given['point_coords'] + 0.5, prompt_encoder.input_image_size)
    sparse = torch.where(labels == -1, 0.0, sparse)
    for label, table in [(-1, prompt_encoder.not_a_point_embed), *enumerate(prompt_encoder.point_embeddings)]:
        sparse = sparse + torch.where(labels == label, table.weight, 0.0)
    masks = prompt_encoder.mask_downscaling(given['mask_input'][:, None])
    dense = torch.where(given['has_mask'][:, None, None, None] > 0.5, masks, prompt_encoder.no_mask_embed.weight[:, :, None, None])

    prompts = len(sparse)
    own = torch.cat([decoder.iou_token.weight, decoder.mask_tokens.weight])
    tokens = torch.cat([own.expand(prompts, -1, -1), sparse], 1)
    image = embedding.repeat_interleave(prompts // len(embedding), 0) + dense
    tokens, image = decoder.transformer(image, prompt_encoder.get_dense_pe(), tokens)
    upscaled = decoder.output_upscaling(image.transpose(1, 2).reshape(prompts, -1, grid, grid))
    weights = torch.stack([mlp(tokens[:, 1 + i]) for i, mlp in enumerate(decoder.output_hypernetworks_mlps)], 1)
    logits = (weights @ upscaled.flatten(2)).view(prompts, -1, 4 * grid, 4 * grid)
    return logits, decoder.iou_prediction_head(tokens[:, 0])


def loss_of(logits, iou):
    """Focal and dice 20 : 1, lowest of the returned masks; mean squared error of their predicted IoU."""
    target = given['target'][:, None].expand_as(logits)
    p = torch.sigmoid(logits)
    entropy = F.binary_cross_entropy_with_logits(logits, target, reduction='none')
    missed = p + target - 2 * p * target
    focal = ((0.75 - 0.5 * target) * missed ** 2 * entropy).mean((-2, -1))
    dice = 1 - (2 * (p * target).sum((-2, -1)) + 1) / (p.sum((-2, -1)) + target.sum((-2, -1)) + 1)
    with torch.no_grad():
        mask = (logits > 0).float()
        real = (mask * target).sum((-2, -1)) / torch.maximum(mask, target).sum((-2, -1)).clamp(min=1)
    returned = given['returned']
    lowest = torch.where(returned > 0.5, 20 * focal + dice, 1e9).amin(1)
    error = ((iou - real) ** 2 * returned).sum(1) / returned.sum(1)
    return (lowest + error).mean()


def decays(name, param):
    return param.dim() >= 2 and not re.search(r'pos_embed|rel_pos|_embed\.weight$|point_embeddings|_tokens?\.weight$', name)


named = list(model.named_parameters())
groups = [{'params': [p for n, p in named if decays(n, p) == d], 'weight_decay': recipe['weightDecay'] if d else 0.0} for d in (True, False)]
adamw = recipe['adamw']
optimizer = torch.optim.AdamW(groups, lr=given['rate'].item(), betas=(adamw['beta1'], adamw['beta2']), eps=adamw['eps'], fused=True)


def step():
    optimizer.zero_grad(set_to_none=True)
    loss = loss_of(*forward())
    loss.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), recipe['clipNorm'])
    optimizer.step()
    return loss.item()


def peak():
    with open('/proc/self/status') as status:
        return 1024 * int(re.search(r'VmHWM:\s+(\d+)', status.read())[1])


answers = {'name': lambda: f'PyTorch {torch.__version__.split("+")[0]}, {torch.get_num_threads()} threads', 'step': step, 'peak': peak}
for line in sys.stdin:
    print(answers[line.strip()](), flush=True)
