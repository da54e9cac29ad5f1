"""What a training step costs, counted on tensors without values: floating-point operations and memory.

The step is the run's own, losses and backward pass included, on torch's device `meta`: nothing is computed, and no GPU
is needed. Torch has formulas of products and convolutions; everything else is cheap beside them.
"""

import contextlib
import copy
import math
import unittest.mock
import weakref
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import FlopCounterMode

from sedrepro.training.data import Clips
from sedrepro.training.loop import Trainer

#: Adam keeps two moments of every weight, and a step has its gradient.
COPIES_OF_TRAINED = 3


@dataclass(frozen=True)
class StepCost:
    """What one training step costs; memory in bytes."""

    flops: int
    scoring_flops: int
    """Of scoring a batch of the same size."""
    activations: int
    """The most that tensors made in the step hold at a time, the batch itself among them."""
    state: int
    """Networks, gradients and moments of the optimiser."""
    time_reduction: int
    """Frames of features per frame of scores."""


def count_step(trainer: Trainer, train: Clips) -> StepCost:
    """Cost of the first step of a prepared trainer, which is left as it is."""
    rows = trainer._batches(train, 1)[0]
    generators = [value for value in vars(trainer).values() if isinstance(value, torch.Generator)]
    memo: dict[int, Any] = {id(generator): generator for generator in generators}  # they cannot be copied
    with WithoutValues():
        double, clips, rows = copy.deepcopy((trainer, train, rows), memo)
    double.device = torch.device("meta")
    for module in double._modules().values():
        _without_recurrence(module)
    step, scoring = Counter(), Counter()
    with unittest.mock.patch.object(torch, "autocast", _no_autocast):
        with step:
            double._losses(clips, rows)["loss"].backward()
        with torch.no_grad(), scoring:
            double._kept().eval()(clips.features[: trainer.run.training.batch_size])
    return StepCost(
        flops=step.flops,
        scoring_flops=scoring.flops,
        activations=step.peak,
        state=_state_bytes(trainer),
        time_reduction=trainer.network.time_reduction,
    )


class WithoutValues(TorchFunctionMode):
    """Within it, copies of tensors have shape and type alone, on torch's device `meta`."""

    def __torch_function__(self, function: Callable, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        with torch._C.DisableTorchFunctionSubclass():
            if function == torch.Tensor.__deepcopy__:
                tensor, memo = args
                return memo.setdefault(id(tensor), _without_values(tensor))
            if function == torch._C.TensorBase.clone:  # of which a parameter's copy is made
                return _without_values(args[0])
            return function(*args, **(kwargs or {}))


def _without_values(tensor: Tensor) -> Tensor:
    return torch.empty_like(tensor, device="meta").requires_grad_(tensor.requires_grad)


def _no_autocast(*_: Any, **__: Any) -> contextlib.AbstractContextManager[None]:
    """In the place of `torch.autocast`, which does not know the device `meta`; counted is in single precision."""
    return contextlib.nullcontext()


def convolution_backward_flops(
    gradient: Sequence[int],
    features: Sequence[int],
    weights: Sequence[int],
    _bias: Any,
    _stride: Any,
    _padding: Any,
    _dilation: Any,
    transposed: bool,
    _output_padding: Any,
    _groups: int,
    wanted: Sequence[bool],
    **_: Any,
) -> int:
    """Operations of the gradients of a convolution; arguments are shapes, and what else the operator takes.

    Each of the gradients of features and weights takes as many as the convolution. Torch's own formula forgets the
    groups in the latter, and so counts a depthwise convolution once per channel.
    """
    spatial = (features if transposed else gradient)[2:]
    return 2 * features[0] * math.prod(spatial) * math.prod(weights) * sum(wanted[:2])


def _state_bytes(trainer: Trainer) -> int:
    modules = trainer._modules().values()
    held = sum(_bytes(value) for module in modules for value in (*module.parameters(), *module.buffers()))
    trained = sum(_bytes(value) for group in trainer.optimizer.param_groups for value in group["params"])
    return held + COPIES_OF_TRAINED * trained


def _bytes(tensor: Tensor) -> int:
    return tensor.numel() * tensor.element_size()


class Counter(TorchDispatchMode):
    """Counts the operations of products and convolutions, and follows the storages that operators make.

    `flops` are the operations, `peak` is the most bytes that live at a time, `now` are those that live.
    """

    _formulas = FlopCounterMode(
        display=False, custom_mapping={torch.ops.aten.convolution_backward: convolution_backward_flops}
    ).flop_registry

    def __init__(self) -> None:
        super().__init__()
        self.flops = self.now = self.peak = 0
        self._known: set[int] = set()

    def __torch_dispatch__(self, operator: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        made = operator(*args, **(kwargs or {}))
        if (formula := self._formulas.get(operator._overloadpacket)) is not None:
            self.flops += formula(*args, **(kwargs or {}), out_val=made)
        for tensor in tree_leaves(made):
            if isinstance(tensor, Tensor):
                self._follow(tensor.untyped_storage())
        return made

    def _follow(self, storage: torch.UntypedStorage) -> None:
        key = storage._cdata
        if key in self._known:
            return
        self._known.add(key)
        self.now += storage.nbytes()
        self.peak = max(self.peak, self.now)
        weakref.finalize(storage, self._freed, key, storage.nbytes())

    def _freed(self, key: int, count: int) -> None:
        self._known.discard(key)
        self.now -= count


def _without_recurrence(module: nn.Module) -> None:
    """Put `GruProducts` in the place of every GRU, whose frames would be counted one after the other."""
    for name, child in module.named_children():
        if isinstance(child, nn.GRU):
            setattr(module, name, GruProducts(child))
        else:
            _without_recurrence(child)


class GruProducts(nn.Module):
    """The products of a GRU, all frames at once, with gates that stand for themselves: its cost, not its values.

    Per layer, direction and frame a GRU multiplies its input (I) and its last output (H) with matrices of 3 H columns:
    6 H (I + H) operations forward, and twice that backward.
    """

    def __init__(self, gru: nn.GRU) -> None:
        super().__init__()
        self.gru = gru

    def forward(self, features: Tensor, _start: Tensor | None = None) -> tuple[Tensor, None]:
        """(batch, frame, feature) -> (batch, frame, direction x unit)."""
        values = features
        for layer in range(self.gru.num_layers):
            directions = ("", "_reverse") if self.gru.bidirectional else ("",)
            values = torch.cat([self._direction(values, f"l{layer}{suffix}") for suffix in directions], dim=2)
        return values, None

    def _direction(self, values: Tensor, which: str) -> Tensor:
        given, recurrent = (
            (getattr(self.gru, f"weight_{kind}_{which}"), getattr(self.gru, f"bias_{kind}_{which}"))
            for kind in ("ih", "hh")
        )
        reset, update, new = nn.functional.linear(values, *given).chunk(3, dim=2)
        again, kept, last = nn.functional.linear(new, *recurrent).chunk(3, dim=2)
        gate = torch.sigmoid(update + kept)
        return gate * new + (1 - gate) * torch.tanh(new + torch.sigmoid(reset + again) * last)
