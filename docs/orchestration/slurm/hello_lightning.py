#!/usr/bin/env python3
"""Fit a ten-parameter model for a few steps with Lightning, to see that it finds the ranks Slurm started.

    srun --nodes=2 --ntasks-per-node=8 --gpus-per-node=8 python hello_lightning.py
    python hello_lightning.py

Needs `lightning` and torch. Without Slurm it is one process. Exit code 0: trained; 2: a package is missing.
"""

import argparse
import os
import sys


def main() -> int:
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    try:
        import lightning
        import torch
    except ImportError as error:
        print(f"hello_lightning.py: {error.name} is not installed: pip install lightning", file=sys.stderr)
        return 2

    class Line(lightning.LightningModule):
        """Least squares on random data."""

        def __init__(self) -> None:
            super().__init__()
            self.layer = torch.nn.Linear(9, 1)

        def training_step(self, batch: list, _: int) -> torch.Tensor:
            return self.layer(batch[0]).square().mean()

        def configure_optimizers(self) -> torch.optim.Optimizer:
            return torch.optim.SGD(self.parameters(), lr=0.1)

    data = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(torch.randn(256, 9)), batch_size=8)
    trainer = lightning.Trainer(num_nodes=int(os.environ.get("SLURM_NNODES", 1)), devices=int(os.environ.get("SLURM_NTASKS_PER_NODE", 1)),
                                accelerator="auto", strategy="ddp" if int(os.environ.get("SLURM_NTASKS", 1)) > 1 else "auto", max_steps=4,
                                logger=False, enable_checkpointing=False, enable_progress_bar=False, enable_model_summary=False)
    trainer.fit(Line(), data)
    print(f"rank {trainer.global_rank} of {trainer.world_size} (local {trainer.local_rank}): {trainer.global_step} steps", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
