"""Build a sharded model as rank 517 of 1,024 on one CPU: shapes, bytes and the collectives of a step, no other rank needed.

Needs torch 2.13. Usage: python fake_world_1024.py [rank]
"""

import sys
import warnings

from testing_utils import fake_world


def block(hidden: int, ffn: int):
    """Return a feed-forward block with a residual connection."""
    import torch

    class Block(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.up, self.down = torch.nn.Linear(hidden, ffn, bias=False), torch.nn.Linear(ffn, hidden, bias=False)

        def forward(self, x):
            return x + self.down(torch.nn.functional.gelu(self.up(x)))
    return Block()


# --8<-- [start:build]
def build(rank: int = 517, hidden: int = 1024, ffn: int = 4096) -> dict:
    """Shard two blocks over 128 x 8 ranks, take a step, and return what was seen."""
    import torch
    from torch.distributed.device_mesh import init_device_mesh
    from torch.distributed.fsdp import fully_shard
    from torch.distributed.tensor.debug import CommDebugMode
    from torch.distributed.tensor.parallel import (
        ColwiseParallel,
        RowwiseParallel,
        parallelize_module,
    )

    # A warning about in-place changes of outputs: this model makes none.
    warnings.filterwarnings("ignore", message="FSDP2-wrapped module")
    with fake_world(1024, rank):
        mesh = init_device_mesh("cpu", (128, 8), mesh_dim_names=("data", "tensor"))
        model = torch.nn.Sequential(block(hidden, ffn), block(hidden, ffn))
        for part in model:
            parallelize_module(
                part,
                mesh["tensor"],
                {"up": ColwiseParallel(), "down": RowwiseParallel()},
            )
            fully_shard(part, mesh=mesh["data"])
        fully_shard(model, mesh=mesh["data"])
        local = {
            name: tuple(p.to_local().shape) for name, p in model.named_parameters()
        }
        with CommDebugMode() as seen:
            model(torch.randn(4, hidden, requires_grad=True)).sum().backward()
        counts = {
            str(op).split(".")[-1]: n for op, n in seen.get_comm_counts().items()
        }
        return {
            "coordinates": dict(zip(mesh.mesh_dim_names, mesh.get_coordinate())),
            "local": local,
            "parameters": sum(p.numel() for p in model.parameters()),
            "kept": sum(p.to_local().numel() for p in model.parameters()),
            "collectives": counts,
        }
# --8<-- [end:build]


def main() -> None:
    """Print the report."""
    report = build(int(sys.argv[1]) if len(sys.argv) > 1 else 517)
    print("coordinates", report["coordinates"])
    for name, shape in report["local"].items():
        print(f"{name:11} local {shape}")
    print(f"this rank keeps {report['kept']:,} of {report['parameters']:,} parameters: 1/{report['parameters'] // report['kept']}")
    for name, count in sorted(report["collectives"].items()):
        print(f"{count:3} x {name}")


if __name__ == "__main__":
    main()
