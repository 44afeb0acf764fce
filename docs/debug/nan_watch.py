#!/usr/bin/env python3
"""Name the first module whose output or gradient overflows, underflows or turns NaN, with what ran before it.

Runs a training script unchanged, or watches a block of your own code:

    python nan_watch.py train.py --lr 0.1           # everything after the script is the script's
    python nan_watch.py --ops train.py              # also the operation and your line; slower

    from nan_watch import Watch
    with Watch():
        train()

What is checked, once a module call (so a GPU waits once a module; expect a run several times slower):
  - inputs of the outermost module: NaN or +inf (-inf is a legal mask);
  - outputs of every module, and the gradients that arrive at them: NaN or inf;
  - gradients of parameters: NaN or inf;
  - gradients of 16-bit or smaller types: all below the smallest normal number of the type (underflow, reported, not fatal).

Needs PyTorch; any device. Code inside torch.compile is not seen: run eagerly.
Exit status: 0 nothing found, 1 found, or the script failed, 2 wrong usage.
"""

from __future__ import annotations

import argparse
import collections
import json
import os
import runpy
import socket
import sys
import traceback
import weakref

HERE = os.path.abspath(__file__)
FILLERS = ("empty", "full", "scalar_tensor", "where", "copy", "clone", "new_", "resize", "set_", "detach", "alias")


class NonFinite(BaseException):
    """The first bad number was found; `report` says where. No subclass of Exception, so that a script cannot swallow it."""

    def __init__(self, report: dict):
        super().__init__(text(report))
        self.report = report


def tensors(value):
    """Yield the floating-point tensors in nested tuples, lists, dicts and model outputs."""
    import torch
    if isinstance(value, torch.Tensor):
        if value.is_floating_point() and value.numel() and value.device.type != "meta":
            yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from tensors(item)
    elif isinstance(value, (tuple, list)):
        for item in value:
            yield from tensors(item)


# --8<-- [start:largest]
def largest(tensor) -> float:
    """Return the largest magnitude; NaN if one element is NaN, inf if one is infinite: one pass tells all three."""
    tensor = tensor.detach()
    if tensor.dtype.itemsize == 1:
        tensor = tensor.float()                     # 8-bit types have no maximum of their own
    return float(tensor.abs().amax())
# --8<-- [end:largest]


def is_finite(value: float) -> bool:
    return value - value == 0


def counts(tensor) -> str:
    """Describe a tensor: shape, type, how many elements are NaN and infinite."""
    flat = tensor.detach().float()
    return (f"{list(tensor.shape)} {str(tensor.dtype).removeprefix('torch.')}: {int(flat.isnan().sum())} NaN, "
            f"{int(flat.isinf().sum())} inf of {flat.numel()}")


def own_line() -> str:
    """Return file, line and function of the innermost frame that is neither torch nor this file."""
    import torch
    library = os.path.dirname(torch.__file__)
    for frame in reversed(traceback.extract_stack()):
        if not frame.filename.startswith((library, "<", os.path.dirname(runpy.__file__))) and os.path.abspath(frame.filename) != HERE:
            return f"{os.path.basename(frame.filename)}:{frame.lineno} in {frame.name}"
    return "unknown"


def text(report: dict) -> str:
    """Return a report as lines for people."""
    lines = [f"{report['kind']} first at step {report['step']}, {report['phase']}: {report['where']}", f"  {report['tensor']}"]
    lines += [f"  {note}" for note in report["notes"]]
    if report["before"]:
        lines += ["  before it, newest last (largest magnitude):"]
        lines += [f"    {phase:<8} {name:<24} {kind:<16} {dtype:<9} {value:.3g}" for phase, name, kind, dtype, value in report["before"]]
    return "\n".join(lines)


class Watch:
    """Watch every module called inside a `with` block; raise NonFinite at the first bad number.

    history: how many earlier tensors a report shows. ops: check every operation, and name the line. from_step: begin after so many
    optimizer steps. After the block, `underflow` holds the report of the first underflow, or None.
    """

    def __init__(self, history: int = 6, ops: bool = False, from_step: int = 0):
        self.history, self.ops, self.from_step = collections.deque(maxlen=history), ops, from_step
        self.step, self.stack, self.handles, self.underflow = 0, [], [], None
        self.names, self.hooked, self.last = weakref.WeakKeyDictionary(), set(), None

    # --8<-- [start:hooks]
    def __enter__(self):
        from torch.nn.modules import module
        from torch.optim.optimizer import register_optimizer_step_post_hook
        self.handles = [module.register_module_forward_pre_hook(self.before_forward),
                        module.register_module_forward_hook(self.after_forward),
                        register_optimizer_step_post_hook(self.after_step)]
        if self.ops:
            self.mode = dispatch_mode(self)
            self.mode.__enter__()
        return self

    def __exit__(self, *error):
        if self.ops:
            self.mode.__exit__(*error)
        for handle in self.handles:
            handle.remove()
    # --8<-- [end:hooks]

    def after_step(self, optimizer, args, kwargs):
        self.step += 1

    def name(self, module) -> str:
        return self.names.get(module) or type(module).__name__

    def before_forward(self, module, inputs):
        if not self.stack:                          # the outermost call: learn the names, look at the batch
            for name, child in module.named_modules():
                self.names[child] = name or type(module).__name__
            for index, tensor in enumerate(tensors(inputs)):
                value = largest(tensor)
                if not is_finite(value) and (tensor.isnan().any() or (tensor == float("inf")).any()):
                    self.found("forward", f"input {index} of `{self.name(module)}`", tensor, value, ["the data is bad before the model sees it"])
        self.stack.append(module)

    def after_forward(self, module, inputs, output):
        if module in self.stack:                    # an exception may have left modules behind
            del self.stack[self.stack.index(module):]
        for tensor in tensors(output):
            if tensor is self.last:                 # a container returns what its last child returned
                continue
            self.last = tensor
            value = largest(tensor)
            if not is_finite(value):
                self.found("forward", f"output of `{self.name(module)}` ({type(module).__name__})", tensor, value, self.suspects(module, inputs))
            self.history.append(("forward", self.name(module), type(module).__name__, str(tensor.dtype)[6:], value))
            if tensor.requires_grad:
                tensor.register_hook(lambda grad, m=module: self.check_gradient(grad, f"output of `{self.name(m)}`", self.name(m), type(m).__name__))
        for name, parameter in module.named_parameters(recurse=False):
            if parameter.requires_grad and parameter not in self.hooked:
                self.hooked.add(parameter)
                self.handles.append(parameter.register_hook(
                    lambda grad, m=module, n=name: self.check_gradient(grad, f"`{self.name(m)}.{n}`", f"{self.name(m)}.{n}", "parameter")))

    def suspects(self, module, inputs) -> list[str]:
        """Say whether what went into a module was good, so that the reader knows whether to blame the module."""
        values = [largest(t) for t in tensors(inputs)]
        notes = [f"its inputs: {'finite' if all(map(is_finite, values)) else 'already bad'}, largest {max(values):.3g}"] if values else []
        for name, parameter in module.named_parameters(recurse=False):
            if not is_finite(largest(parameter)):
                notes.append(f"its {name} is bad before the call: the optimizer step before made it so")
        return notes

    def check_gradient(self, grad, where: str, name: str, kind: str):
        import torch
        value = largest(grad)
        if not is_finite(value):
            self.found("backward", f"gradient of {where}", grad, value,
                       ["made after this point of the forward pass, by what used this tensor"] if kind != "parameter" else [])
        if grad.dtype.itemsize <= 2 and value < torch.finfo(grad.dtype).tiny and self.underflow is None:
            self.underflow = self.report("underflow", "backward", f"gradient of {where}", grad,
                                         [f"largest magnitude {value:.3g}, smallest normal number {torch.finfo(grad.dtype).tiny:.3g}"])
        self.history.append(("backward", name, kind, str(grad.dtype)[6:], value))

    def report(self, kind, phase, where, tensor, notes) -> dict:
        return {"kind": kind, "step": self.step, "phase": phase, "where": where, "tensor": counts(tensor), "notes": notes,
                "before": list(self.history), "rank": int(os.environ.get("RANK", 0)), "host": socket.gethostname()}

    def found(self, phase, where, tensor, value, notes):
        if self.step >= self.from_step:
            raise NonFinite(self.report("NaN" if value != value else "overflow", phase, where, tensor, notes))


# --8<-- [start:ops]
def dispatch_mode(watch: Watch):
    """Return a mode that sees every operation, forward and backward, and stops at the first that makes a bad number of good ones."""
    from torch.utils._python_dispatch import TorchDispatchMode

    class Ops(TorchDispatchMode):
        def __torch_dispatch__(self, op, types, args=(), kwargs=None):
            before = [largest(t) for t in tensors((args, kwargs or {}))]
            output = op(*args, **(kwargs or {}))
            name = str(op).removeprefix("aten.")
            if not name.lstrip("_").startswith(FILLERS) and "fill" not in name:     # -inf put there on purpose is a mask
                for tensor in tensors(output):
                    value = largest(tensor)
                    if value != value and not any(v != v for v in before) or abs(value) == float("inf") and all(map(is_finite, before)):
                        inside = f" inside `{watch.name(watch.stack[-1])}`" if watch.stack else ""
                        watch.found("operation", f"result of `{name}`{inside}", tensor, value, [f"called from {own_line()}"])
            return output
    return Ops()
# --8<-- [end:ops]


def main(words: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ops", action="store_true", help="check every operation and name the line of your code")
    parser.add_argument("--history", type=int, default=6, metavar="N", help="how many earlier tensors to show (6)")
    parser.add_argument("--from-step", type=int, default=0, metavar="N", help="begin after N optimizer steps (0)")
    parser.add_argument("--json", metavar="FILE", help="write what was found as JSON")
    parser.add_argument("script", help="the Python program to run")
    parser.add_argument("args", nargs=argparse.REMAINDER, help="its arguments")
    options = parser.parse_args(words)
    if not os.path.isfile(options.script):
        print(f"nan_watch: no such file: {options.script}", file=sys.stderr)
        return 2
    try:
        import torch  # noqa: F401
    except ImportError:
        print("nan_watch: PyTorch is not installed in this Python; start it with the Python that trains", file=sys.stderr)
        return 2
    sys.argv = [options.script, *options.args]
    sys.path.insert(0, os.path.dirname(os.path.abspath(options.script)))
    found, status = None, 0
    try:
        with Watch(options.history, options.ops, options.from_step) as watch:
            try:
                runpy.run_path(options.script, run_name="__main__")
            except SystemExit as end:
                status = 1 if end.code not in (None, 0) else 0
        found = watch.underflow
    except NonFinite as stop:
        found = stop.report
    except KeyboardInterrupt:
        print("nan_watch: interrupted, nothing found so far", file=sys.stderr)
        status = 1
    except Exception:
        traceback.print_exc()                       # the script's own error: its traceback is what the reader needs
        status = 1
    sys.stdout.flush()
    if found:
        print(f"[rank {found['rank']} {found['host']}] {text(found)}" if "RANK" in os.environ else text(found))
    elif not status:
        print(f"nothing found in {watch.step} optimizer steps")
    if options.json:
        try:
            with open(options.json, "w", encoding="utf-8") as file:
                json.dump(found, file, indent=1)
        except OSError as error:
            print(f"nan_watch: cannot write {options.json}: {error.strerror}", file=sys.stderr)
            return 2
    return 1 if found else status


if __name__ == "__main__":
    sys.exit(main())
