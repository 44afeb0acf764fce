"""What the examples share: a tiny model, its data, one training loop."""

import torch
import torch.distributed as dist
from torch import nn
from torch.nn import functional as F

VOCAB, WIDTH, LAYERS, SEQ, GLOBAL_BATCH, STEPS = 64, 64, 4, 32, 32, 60


# --8<-- [start:model]
class Block(nn.Module):
    """One residual MLP block: the unit that FSDP2 gathers and frees."""

    def __init__(self):
        super().__init__()
        self.norm = nn.LayerNorm(WIDTH)
        self.up = nn.Linear(WIDTH, 4 * WIDTH)
        self.down = nn.Linear(4 * WIDTH, WIDTH)

    def forward(self, x):
        return x + self.down(F.gelu(self.up(self.norm(x))))


class TinyLM(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(VOCAB, WIDTH)
        self.blocks = nn.ModuleList(Block() for _ in range(LAYERS))
        self.head = nn.Linear(WIDTH, VOCAB)

    def forward(self, tokens):
        x = self.embed(tokens).flatten(0, 1)
        for block in self.blocks:
            x = block(x)
        return self.head(x)
# --8<-- [end:model]


def start():
    """Join the group that torchrun described; build the same model on every rank."""
    torch.set_num_threads(1)
    dist.init_process_group("gloo")
    torch.manual_seed(0)
    return TinyLM()


def batch(step):
    """This rank's rows of the global batch of next = (5 * token + 1) mod VOCAB."""
    g = torch.Generator().manual_seed(step)
    columns = [torch.randint(VOCAB, (GLOBAL_BATCH,), generator=g)]
    for _ in range(SEQ):
        columns.append((5 * columns[-1] + 1) % VOCAB)
    tokens = torch.stack(columns, dim=1)
    return tokens.chunk(dist.get_world_size())[dist.get_rank()]


# --8<-- [start:train]
def train(model, name):
    """One loop for DDP and FSDP2: it knows nothing of the wrapper."""
    opt = torch.optim.AdamW(model.parameters(), lr=1e-3)
    for step in range(STEPS):
        tokens = batch(step)
        loss = F.cross_entropy(model(tokens[:, :-1]), tokens[:, 1:].flatten())
        loss.backward()
        norm = nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        opt.step()
        opt.zero_grad()
        if step % 10 == 0 or step == STEPS - 1:
            report(name, step, loss, norm)
    held = sum(local(p).numel() for p in model.parameters())
    values = [v for state in opt.state.values() for v in state.values() if v.dim()]
    moments = sum(local(v).numel() for v in values)
    if dist.get_rank() == 0:
        print(f"{name} rank 0 holds {held} parameters, {moments} optimizer values")
    dist.destroy_process_group()
# --8<-- [end:train]


def local(tensor):
    """The part of a tensor that lives on this rank: a DTensor's shard, or all of it."""
    return tensor.to_local() if hasattr(tensor, "to_local") else tensor


def report(name, step, loss, norm):
    """Print the mean loss over the ranks and the norm of the global gradient."""
    mean = loss.detach().float().clone()
    dist.all_reduce(mean)
    norm = norm.full_tensor() if hasattr(norm, "full_tensor") else norm
    if dist.get_rank() == 0:
        loss = mean.item() / dist.get_world_size()
        print(f"{name} step {step:2d} loss {loss:.3f} grad norm {float(norm):.3f}")
