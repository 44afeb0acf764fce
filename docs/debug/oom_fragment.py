"""Out of memory by fragmentation: the pieces are free, the whole is not. Run: python oom_fragment.py [--fixed | --expandable]

A model of a caching allocator with the rules of PyTorch's for requests over 1 MiB, so that it runs without a GPU and without torch:
a request takes the smallest cached block that fits and leaves the rest as a free block; without one, a new segment is asked of the
device (20 MiB for requests under 10 MiB, otherwise the request rounded up to 2 MiB); free neighbours merge, but only inside their
segment; when the device has no more, segments that are wholly free are given back, and it tries once more. Sizes in MiB.
"""

import argparse
import sys

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--fixed", action="store_true", help="allocate what stays before what comes and goes")
parser.add_argument("--expandable", action="store_true", help="as with expandable segments: pages of 2 MiB from anywhere")
args = parser.parse_args()


class Device:
    def __init__(self, capacity, expandable=False):
        self.capacity, self.expandable = capacity, expandable
        self.segments, self.allocated = [], 0                   # a segment is a list of [size, owner or None]

    @property
    def reserved(self):
        return self.allocated if self.expandable else sum(size for segment in self.segments for size, _ in segment)

    # --8<-- [start:allocate]
    def allocate(self, size, owner):
        if self.expandable:                                     # addresses grow, pages of 2 MiB are mapped behind them
            size = -(-size // 2) * 2
            if self.allocated + size > self.capacity:
                raise MemoryError(self.message(size))
            self.segments.append([[size, owner]])
        else:
            fits = [(block[0], i, j) for i, segment in enumerate(self.segments)
                    for j, block in enumerate(segment) if block[1] is None and block[0] >= size]
            if not fits:
                self.segments.append([[self.grow(size), None]])
                fits = [(0, len(self.segments) - 1, 0)]
            _, i, j = min(fits)
            rest = self.segments[i][j][0] - size
            self.segments[i][j] = [size, owner]
            if rest:
                self.segments[i].insert(j + 1, [rest, None])
        self.allocated += size
    # --8<-- [end:allocate]

    def grow(self, size):
        segment = 20 if size < 10 else -(-size // 2) * 2
        if self.reserved + segment > self.capacity:
            self.segments = [s for s in self.segments if any(owner for _, owner in s)]
        if self.reserved + segment > self.capacity:
            raise MemoryError(self.message(size))
        return segment

    def free(self, owner):
        for segment in self.segments:
            for block in segment:
                if block[1] == owner:
                    block[1], self.allocated = None, self.allocated - block[0]
            j = 0
            while j + 1 < len(segment):                         # merge free neighbours
                if segment[j][1] is None and segment[j + 1][1] is None:
                    segment[j][0] += segment.pop(j + 1)[0]
                else:
                    j += 1
        if self.expandable:
            self.segments = [s for s in self.segments if s[0][1]]

    def message(self, size):
        return (f"out of memory. Tried to allocate {size} MiB of {self.capacity}: {self.capacity - self.reserved} free on the device, "
                f"{self.allocated} allocated, {self.reserved - self.allocated} reserved but unallocated")


device = Device(200, args.expandable)
try:
    # --8<-- [start:broken]
    batches = [30 + 4 * step for step in range(6)]              # each a little longer than the last
    if args.fixed:
        for step, size in enumerate(batches):
            device.allocate(size // 2, f"kept {step}")          # all that stays, before what comes and goes
    for step, size in enumerate(batches):
        device.allocate(size, "activations")
        device.free("activations")
        if not args.fixed:
            device.allocate(size // 2, f"kept {step}")          # lands in the hole, and pins the segment
        # --8<-- [end:broken]
        print(f"step {step}: activations {size}, allocated {device.allocated}, reserved {device.reserved}")
except MemoryError as error:
    print(f"step {step}: {error}")
    for segment in device.segments:
        print("  segment", " ".join(f"[{size} {owner or 'free'}]" for size, owner in segment))
    sys.exit(1)
print("done")
