"""One torch adapter, one tokenizer, and sessions of the smallest preset."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from kitchen.runtime.adapters.torch import SAMPLING, TRAINING
from kitchen.runtime.adapters.torch.sampling import TorchSampling
from kitchen.runtime.adapters.torch.session import TorchSession
from kitchen.runtime.adapters.torch.tokenizer import FastTokenizer
from kitchen.runtime.adapters.torch.training import TorchTraining
from kitchen.runtime.ports import ModelOptions, Workspace
from tests.contracts.training_batches import texts

Open = Callable[..., TorchSession]


@pytest.fixture(scope="session")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    folder = tmp_path_factory.mktemp("torch")
    return Workspace(folder, folder / "cache")


@pytest.fixture(scope="session")
def training(workspace: Workspace) -> TorchTraining:
    client: TorchTraining = TRAINING.bind({}, workspace)
    return client


@pytest.fixture(scope="session")
def sampling(workspace: Workspace) -> TorchSampling:
    client: TorchSampling = SAMPLING.bind({}, workspace)
    return client


@pytest.fixture(scope="session")
def tokenizer(training: TorchTraining) -> FastTokenizer:
    made = training.load_tokenizer("nano", texts)
    assert isinstance(made, FastTokenizer)
    return made


@pytest.fixture
def opened(training: TorchTraining, tokenizer: FastTokenizer) -> Open:
    """Opens sessions of `nano`, or of another model; keywords are those of ModelOptions."""

    def open_session(model: str = "nano", **options: Any) -> TorchSession:
        session = training.open_session(ModelOptions(model=model, **options), tokenizer)
        assert isinstance(session, TorchSession)
        return session

    return open_session


@pytest.fixture
def saved(training: TorchTraining, opened: Open, tmp_path: Path) -> Path:
    """A folder with a model and its tokenizer, as transformers writes them."""
    folder = tmp_path / "saved"
    training.save_weights(opened(seed=11), folder, merge=True)
    return folder
