"""What every `registry` adapter promises."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from kitchen.runtime.plugins import adapters
from kitchen.runtime.ports import AdapterError, ModelRegistry, ModelVersion, Workspace
from kitchen.runtime.store import commit_folder
from kitchen.runtime.values import Weights

NAMES = ("files", "memory")
METRICS = {"loss": 1.5, "accuracy": 0.25}


def make(name: str, folder: Path) -> ModelRegistry:
    workspace = Workspace(folder, folder / "cache", folder / "run")
    made: ModelRegistry = adapters()["registry"][name].bind({}, workspace)
    return made


@pytest.fixture(params=NAMES)
def registry(request: pytest.FixtureRequest, tmp_path: Path) -> ModelRegistry:
    return make(request.param, tmp_path)


def saved(folder: Path, content: bytes) -> tuple[Weights, Path]:
    """Weights as a run saves them."""

    def write(unfinished: Path) -> None:
        (unfinished / "model.safetensors").write_bytes(content)
        (unfinished / "tokenizer").mkdir()
        (unfinished / "tokenizer" / "vocabulary.txt").write_text("a b")

    path = folder / "run" / "weights"
    return Weights("weights", commit_folder(path, write, replace=True).digest, "full"), path


@pytest.fixture
def add(registry: ModelRegistry, tmp_path: Path) -> Callable[[bytes], ModelVersion]:
    def register(content: bytes, *, judgements: int = 0) -> ModelVersion:
        weights, folder = saved(tmp_path, content)
        return registry.register("bot", weights, folder, metrics=METRICS, judgements=judgements)

    return register


Add = Callable[..., ModelVersion]


def test_every_adapter_is_held_to_the_contract() -> None:
    assert set(NAMES) == set(adapters()["registry"])


def test_a_name_begins_without_versions(registry: ModelRegistry) -> None:
    assert registry.versions("bot") == []
    assert registry.baselines("bot") == []


def test_versions_are_counted_and_keep_what_they_are_described_by(
    registry: ModelRegistry, add: Add
) -> None:
    first, second = add(b"1"), add(b"2", judgements=7)
    assert (first.version, second.version) == (1, 2)
    assert registry.versions("bot") == [first, second]
    assert second.metrics == METRICS
    assert second.judgements == 7
    assert (second.name, second.kind) == ("bot", "full")
    assert second.digest != first.digest
    assert registry.versions("other") == []


def test_the_latest_version_is_not_registered_twice(registry: ModelRegistry, add: Add) -> None:
    first = add(b"1")
    assert add(b"1") == first
    assert add(b"1", judgements=1).version == 2
    assert add(b"2").version == 3
    assert add(b"1").version == 4
    assert len(registry.versions("bot")) == 4


def test_the_baselines_are_kept_in_order(registry: ModelRegistry, add: Add) -> None:
    for content in (b"1", b"2"):
        add(content)
    for version in (1, 2, 2, 1):
        registry.set_baseline("bot", version)
    assert registry.baselines("bot") == [1, 2, 1]
    assert registry.baselines("other") == []


@pytest.mark.parametrize("version", [0, -1, 2])
def test_a_baseline_is_a_version(registry: ModelRegistry, add: Add, version: int) -> None:
    add(b"1")
    with pytest.raises(AdapterError, match=f"`bot` has no version {version}"):
        registry.set_baseline("bot", version)
    assert registry.baselines("bot") == []


@pytest.mark.parametrize("name", ["", "..", "a/b", ".hidden", "a b", "/a", "a\n", "ä", "x" * 101])
def test_a_name_never_leads_out(registry: ModelRegistry, name: str, tmp_path: Path) -> None:
    weights, folder = saved(tmp_path, b"1")
    before = sorted(tmp_path.rglob("*"))
    for call in (
        lambda: registry.versions(name),
        lambda: registry.baselines(name),
        lambda: registry.set_baseline(name, 1),
        lambda: registry.register(name, weights, folder, metrics={}),
    ):
        with pytest.raises(AdapterError, match="is no name of a model"):
            call()
    assert sorted(tmp_path.rglob("*")) == before


def test_weights_that_are_not_those_that_were_saved_are_refused(
    registry: ModelRegistry, tmp_path: Path
) -> None:
    weights, folder = saved(tmp_path, b"1")
    (folder / "model.safetensors").write_bytes(b"2")
    with pytest.raises(AdapterError, match="not those that were saved"):
        registry.register("bot", weights, folder, metrics={})
    with pytest.raises(AdapterError, match="holds no saved weights"):
        registry.register("bot", weights, tmp_path / "nowhere", metrics={})
    assert registry.versions("bot") == []


def test_files_outlive_the_process_and_the_run(tmp_path: Path) -> None:
    weights, folder = saved(tmp_path, b"1")
    registry = make("files", tmp_path)
    made = registry.register("bot", weights, folder, metrics=METRICS)
    registry.set_baseline("bot", 1)
    (folder / "model.safetensors").write_bytes(b"2")
    other = make("files", tmp_path)
    assert other.versions("bot") == [made]
    assert other.baselines("bot") == [1]
    kept = tmp_path / made.uri
    assert (kept / "model.safetensors").read_bytes() == b"1"
    assert (kept / "tokenizer" / "vocabulary.txt").read_text() == "a b"
    assert not (kept / "MANIFEST.json").exists()
