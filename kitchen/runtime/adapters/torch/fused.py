"""Operations of a Llama whose gradients are written out, in a few passes over their tensors each.

PyTorch has no fused kernels of them on a CPU, and keeps and goes over what each step of them left.
"""

from __future__ import annotations

from typing import Any, cast

import torch
from torch.autograd import Function
from torch.autograd.function import once_differentiable


class _Norm(Function):
    @staticmethod
    def forward(
        saved: Any, states: torch.Tensor, weight: torch.Tensor, epsilon: float
    ) -> torch.Tensor:
        squares = torch.linalg.vecdot(states, states)
        scale = squares.div_(states.shape[-1]).add_(epsilon).rsqrt_()[:, None]
        normed = states * scale
        saved.save_for_backward(normed, weight, scale)
        output: torch.Tensor = normed * weight
        return output

    @staticmethod
    @once_differentiable  # type: ignore[untyped-decorator,unused-ignore]
    def backward(saved: Any, slopes: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, None]:
        normed, weight, scale = saved.saved_tensors
        both = slopes * normed
        mean = torch.mv(both, weight).div_(-normed.shape[-1])[:, None]
        return torch.addcmul(slopes * weight, normed, mean).mul_(scale), both.sum(0), None


class _Turn(Function):
    @staticmethod
    def forward(
        saved: Any, states: torch.Tensor, cosines: torch.Tensor, sines: torch.Tensor
    ) -> torch.Tensor:
        saved.save_for_backward(cosines, sines)
        return turned(states, cosines, sines)

    @staticmethod
    @once_differentiable  # type: ignore[untyped-decorator,unused-ignore]
    def backward(saved: Any, slopes: torch.Tensor) -> tuple[torch.Tensor, None, None]:
        cosines, sines = saved.saved_tensors
        half = slopes.shape[-1] // 2
        return (slopes * cosines).add_((slopes * sines).roll(half, -1)), None, None


def norm(states: torch.Tensor, weight: torch.Tensor, epsilon: float) -> torch.Tensor:
    """Rows (T, C) by their root mean squares, times weights (Zhang, Sennrich, arXiv:1910.07467)."""
    if not torch.is_grad_enabled():
        return torch.rms_norm(states, weight.shape, weight, epsilon)
    apply: Any = _Norm.apply
    return cast(torch.Tensor, apply(states, weight, epsilon))


def turn(states: torch.Tensor, cosines: torch.Tensor, sines: torch.Tensor) -> torch.Tensor:
    """States (T, H, D) turned by their positions (Su et al. 2021, arXiv:2104.09864).

    cosines, sines (T, 1, D); the two halves of a head are pairs, and a sine has its half's sign.
    """
    if not torch.is_grad_enabled():
        return turned(states, cosines, sines)
    apply: Any = _Turn.apply
    return cast(torch.Tensor, apply(states, cosines, sines))


def turned(states: torch.Tensor, cosines: torch.Tensor, sines: torch.Tensor) -> torch.Tensor:
    other = states.roll(states.shape[-1] // 2, -1)
    return torch.addcmul(states * cosines, other, sines)
