"""Twelve things that must hold for any training code, tested on tiny_train.py. Run: python -m pytest test_invariants.py"""

import copy
import io
import math

import torch
import torch.distributed as dist

import tiny_train as t
from testing_utils import assert_close_to_sum, run_ranks


def rows(count=8, seed=1):
    """Return rows of random tokens without padding."""
    return torch.randint(1, t.VOCAB, (count, t.LENGTH), generator=torch.Generator().manual_seed(seed))


# --8<-- [start:model]
def test_the_future_does_not_change_the_past():
    model, a = t.Model().eval(), rows(2)
    b = a.clone()
    b[:, 10] = a[:, 10] % 31 + 1  # another token at place 10
    assert torch.equal(model(a)[:, :10], model(b)[:, :10])
    assert not torch.equal(model(a)[:, 10:], model(b)[:, 10:])


def test_the_first_loss_is_that_of_a_uniform_guess():
    summed, count = t.loss_sum(t.Model(), rows(64))
    assert abs(summed.item() / count.item() - math.log(t.VOCAB)) < 0.1


def test_one_batch_can_be_learnt_by_heart():
    losses = t.Trainer(rows(4), lr=1e-2).train(40)
    assert losses[-1] < 0.1 * losses[0]


def test_every_parameter_gets_a_gradient():
    model = t.Model()
    t.backward(model, [rows()])
    silent = [
        name
        for name, p in model.named_parameters()
        if p.grad is None or not p.grad.any()
    ]
    assert silent == []
# --8<-- [end:model]


# --8<-- [start:batch]
def test_padding_changes_nothing():
    model, short = t.Model(), rows(1)[:, :10]
    padded = torch.cat([short, torch.full((1, 6), t.PAD)], 1)
    (a, n), (b, m) = t.loss_sum(model, short), t.loss_sum(model, padded)
    torch.testing.assert_close(a / n, b / m)


def test_small_batches_add_up_to_a_large_one():
    data = rows(8)
    data[4:, 6:] = t.PAD  # the second half has few tokens that count
    whole, parts = t.Model(), t.Model(0)
    parts.load_state_dict(whole.state_dict())
    t.backward(whole, [data])
    t.backward(parts, [data[:4], data[4:]])
    for a, b in zip(whole.parameters(), parts.parameters()):
        assert_close_to_sum(b.grad, a.grad, terms=8 * t.LENGTH)
# --8<-- [end:batch]


def test_the_same_seed_gives_the_same_bits():
    assert t.Trainer(rows()).train(3) == t.Trainer(rows()).train(3)


def test_evaluation_is_not_random():
    model = t.Model(dropout=0.5)
    assert not torch.equal(model(rows()), model(rows()))          # dropout is there
    model.eval()
    assert torch.equal(model(rows()), model(rows()))


# --8<-- [start:resume]
def test_a_resumed_run_goes_on_as_if_it_never_stopped():
    first = t.Trainer(rows(16))
    first.train(3)
    file = io.BytesIO()
    torch.save(first.state(), file)  # through bytes, as on disk: no tensor is shared
    expected = first.train(3)
    second = t.Trainer(rows(16), seed=99)  # another start: nothing is equal by luck
    second.load(torch.load(io.BytesIO(file.getvalue()), weights_only=True))
    assert second.train(3) == expected  # to the last bit
# --8<-- [end:resume]


def test_decoding_with_a_cache_equals_the_full_pass():
    model, tokens = t.Model().eval(), rows(2)
    caches = [[], []]
    steps = [model(tokens[:, i:i + 1], caches) for i in range(tokens.shape[1])]
    torch.testing.assert_close(torch.cat(steps, 1), model(tokens))


def test_ranks_read_each_row_once():
    for ranks in (1, 3, 4):
        parts = [t.shard(50, rank, ranks, seed=7) for rank in range(ranks)]
        assert sorted(sum(parts, [])) == list(range(50))


# --8<-- [start:ranks]
def gradients_of_a_rank(bug):
    """Return the averaged gradients of this rank's half of a batch."""
    t.BUG = bug
    model = t.Model()
    t.backward(model, [rows(8)[dist.get_rank()::dist.get_world_size()]])
    t.average_gradients(model)
    return [p.grad.numpy() for p in model.parameters()]


def test_two_ranks_compute_the_gradient_of_one_process():
    model = t.Model()
    t.backward(model, [rows(8)])
    for gradients in run_ranks(gradients_of_a_rank, 2, t.BUG, timeout=30):
        for got, parameter in zip(gradients, model.parameters()):
            assert_close_to_sum(
                torch.from_numpy(got), parameter.grad, terms=8 * t.LENGTH
            )
# --8<-- [end:ranks]


TESTS = {name: test for name, test in copy.copy(globals()).items() if name.startswith("test_")}
