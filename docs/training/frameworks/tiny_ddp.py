"""The tiny model under DDP: every rank holds all of it."""

from torch.nn.parallel import DistributedDataParallel

from tiny_common import start, train

model = start()
train(DistributedDataParallel(model), "ddp")
