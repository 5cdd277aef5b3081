"""Ports: what stages need from the world, as narrow protocols in the field's own words.

`training` and `sampling` mirror the Tinker API: losses are summed over tokens, gradients
accumulate until `optim_step` applies and clears them, and calls on one session take effect in the
order in which they were made, whenever their results are read.
"""

from __future__ import annotations

from kitchen.runtime.ports.blobs import BlobStore, Reference
from kitchen.runtime.ports.datasets import DatasetStore, Row
from kitchen.runtime.ports.environment import Environment, Episode, Problem, Prompt, Step
from kitchen.runtime.ports.faults import AdapterError, DataError
from kitchen.runtime.ports.feedback import FeedbackStore, Judgement
from kitchen.runtime.ports.metrics import Metric, MetricsStore
from kitchen.runtime.ports.registry import ModelRegistry, ModelVersion
from kitchen.runtime.ports.sampling import Sample, SamplingClient, SamplingParams
from kitchen.runtime.ports.training import (
    AdamParams,
    CustomLoss,
    ForwardOutput,
    LossOptions,
    LossSlopes,
    ModelOptions,
    OptimStepOutput,
    TopLogprobs,
    TrainingClient,
)
from kitchen.runtime.ports.workspace import Workspace

__all__ = [
    "AdamParams",
    "AdapterError",
    "BlobStore",
    "CustomLoss",
    "DataError",
    "DatasetStore",
    "Environment",
    "Episode",
    "FeedbackStore",
    "ForwardOutput",
    "Judgement",
    "LossOptions",
    "LossSlopes",
    "Metric",
    "MetricsStore",
    "ModelOptions",
    "ModelRegistry",
    "ModelVersion",
    "OptimStepOutput",
    "Problem",
    "Prompt",
    "Reference",
    "Row",
    "Sample",
    "SamplingClient",
    "SamplingParams",
    "Step",
    "TopLogprobs",
    "TrainingClient",
    "Workspace",
]
