"""Break tiny_train.py in twelve ways, one at a time, and list which of the twelve tests notice. Needs torch."""

import sys

import test_invariants
import tiny_train
import torch


def failing() -> list[str]:
    """Return the numbers, from 1, of the tests that fail."""
    numbers = []
    for number, test in enumerate(test_invariants.TESTS.values(), 1):
        try:
            test()
        except Exception:                       # a crash is noticed too
            numbers.append(number)
    return numbers


def main() -> int:
    """Run all tests on each mutant; return 1 if one is not noticed by the test made for it, or the healthy code fails."""
    torch.set_num_threads(1)
    wrong = False
    for expected, bug in enumerate(["", *tiny_train.BUGS]):
        tiny_train.BUG = bug
        numbers = failing()
        print(f"{bug or 'healthy':11} noticed by {', '.join(map(str, numbers)) or 'none'}", flush=True)
        wrong |= (expected in numbers) != bool(bug)
    return int(wrong)


if __name__ == "__main__":
    sys.exit(main())
