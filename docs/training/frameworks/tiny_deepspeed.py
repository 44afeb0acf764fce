"""The tiny model under DeepSpeed: the JSON file decides how it is sharded."""

import sys

import deepspeed
import torch.distributed as dist
from torch.nn import functional as F

from tiny_common import STEPS, batch, report, start

model = start()
engine, *_ = deepspeed.initialize(
    model=model, model_parameters=model.parameters(), config=sys.argv[1]
)
for step in range(STEPS):
    tokens = batch(step)
    logits = engine(tokens[:, :-1]).float()
    loss = F.cross_entropy(logits, tokens[:, 1:].flatten())
    engine.backward(loss)
    engine.step()
    if step % 10 == 0 or step == STEPS - 1:
        report("ds", step, loss, engine.get_global_grad_norm())
params = list(engine.module.parameters())
shard = sum(p.ds_tensor.numel() for p in params)
whole = sum(p.numel() for p in params if p.ds_persist)
if dist.get_rank() == 0:
    print(f"ds rank 0 holds a shard of {shard}, and {whole} more kept whole")
dist.destroy_process_group()
