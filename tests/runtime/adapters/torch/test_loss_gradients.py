"""Every loss and its gradient by logits, through the adapter and the stages, in float32.

The other side is `tests.runtime.papers`, in float64, from the log-probabilities that the adapter
says it saw. A loss is a sum: the difference is measured beside the sizes of its terms.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from kitchen.runtime.adapters.torch import TRAINING
from kitchen.runtime.adapters.torch.session import TorchSession
from kitchen.runtime.losses import LOSSES, loss_settings
from kitchen.runtime.pairs import PairBatch, ReferenceScores
from kitchen.runtime.ports import AdapterError, LossOptions, TrainingClient, Workspace
from kitchen.runtime.stages.preference import (
    PreferenceForwardBackwardConfig,
    preference_forward_backward,
)
from kitchen.runtime.stages.reinforcement import (
    PenaliseDistanceConfig,
    PolicyForwardBackwardConfig,
    penalise_distance,
    policy_forward_backward,
)
from kitchen.runtime.stages.training import ForwardBackwardConfig, forward_backward
from kitchen.runtime.trajectories import PolicyBatch
from kitchen.runtime.values import Batch
from tests.runtime.papers import cross_entropy, pair_loss, policy_loss
from tools.bench.table import gradient_of, table_batch, table_session

CLOSE = 1e-6
LENGTHS = [7, 12, 3, 9, 5, 4]
SIZE = sum(LENGTHS)
STARTS = np.append(0, np.cumsum(LENGTHS))[:-1]
POLICY = ("importance_sampling", "ppo", "cispo", "dro")
PREFERENCE = ("sigmoid", "ipo", "hinge", "orpo", "simpo")


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> TrainingClient:
    folder = tmp_path_factory.mktemp("losses")
    made: TrainingClient = TRAINING.bind({}, Workspace(folder, folder / "cache"))
    return made


def logits_of(seed: int, scale: float) -> np.ndarray:
    """Logits (SIZE, SIZE), numbers that float32 holds exactly."""
    drawn = np.random.default_rng(seed).normal(0, scale, (SIZE, SIZE))
    return drawn.astype(np.float32).astype(np.float64)


def log_softmax(logits: np.ndarray) -> np.ndarray:
    shifted = logits - logits.max(1, keepdims=True)
    normalised: np.ndarray = shifted - np.log(np.exp(shifted).sum(1, keepdims=True))
    return normalised


def by_logits(slopes: np.ndarray, targets: np.ndarray, logprobs: np.ndarray) -> np.ndarray:
    """The gradient of logits by the chain rule: d log p(t) / d logits = onehot(t) - p."""
    chosen = np.eye(SIZE)[targets]
    return slopes[:, None] * (chosen - np.exp(logprobs))


def seen(client: TrainingClient, session: TorchSession, batch: Batch) -> np.ndarray:
    """The adapter's log-probabilities of a batch's targets; they are those of the logits."""
    found = client.forward(session, batch, LossOptions()).result().logprobs.astype(np.float64)
    weights, targets = batch.columns["weights"], batch.columns["targets"]
    logits = session.parameters["rows"].detach().double().numpy()
    wanted = log_softmax(logits)[np.arange(SIZE), targets]
    np.testing.assert_allclose(
        found, np.where(weights != 0, wanted, 0), rtol=0, atol=known_to(logits)
    )
    return found


def known_to(logits: np.ndarray) -> float:
    """What is promised, or two units in the last place of the logits' range where that is more."""
    return max(CLOSE, 2 * float(np.spacing(np.float32(np.ptp(logits)))))


def require_close(
    session: TorchSession, loss: float, terms: np.ndarray, gradient: np.ndarray, within: float = 1
) -> None:
    """The loss as near as is promised, its gradient as near as float32 knows the logits."""
    size = np.abs(terms).sum() + 1
    assert loss == pytest.approx(terms.sum(), rel=0, abs=within * CLOSE * size)
    near = known_to(session.parameters["rows"].detach().numpy())
    largest = max(np.abs(gradient).max(), 1.0)
    np.testing.assert_allclose(gradient_of(session), gradient, rtol=0, atol=within * near * largest)


# ----------------------------------------------------------------------------------- of tokens


def token_batch(
    seed: int, logprobs: np.ndarray, far: float, worth: float
) -> tuple[PolicyBatch, np.ndarray]:
    """Sampled tokens, up to `far` from who sampled them, with advantages of the size `worth`."""
    generator = np.random.default_rng(seed)
    targets = generator.integers(0, SIZE, SIZE)
    own = logprobs[np.arange(SIZE), targets]
    weights = generator.random(SIZE) * (generator.random(SIZE) < 0.7)
    columns = {
        "targets": targets.astype(np.int32),
        "weights": weights.astype(np.float32),
        "logprobs": (own - generator.uniform(-far, far, SIZE)).astype(np.float32),
        "advantages": (worth * generator.normal(size=SIZE)).astype(np.float32),
    }
    return policy_batch(columns), targets


def policy_batch(columns: dict[str, np.ndarray]) -> PolicyBatch:
    plain = table_batch(LENGTHS, columns)
    return PolicyBatch(
        0, plain.tokens, plain.offsets, plain.columns, plain.sequences, plain.trained
    )


def on_paper(
    name: str, batch: Batch, own: np.ndarray, chosen: Mapping[str, float]
) -> tuple[np.ndarray, np.ndarray]:
    """The loss of each token, and its slope."""
    columns = {key: column.tolist() for key, column in batch.columns.items()}
    given = (columns["weights"], own.tolist(), columns["logprobs"], columns["advantages"])
    found = [policy_loss(name, *each, chosen) for each in zip(*given, strict=True)]
    return np.array([loss for loss, _ in found]), np.array([slope for _, slope in found])


@pytest.mark.parametrize("name", POLICY)
@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    scale=st.sampled_from([0.0, 0.5, 3.0]),
    far=st.sampled_from([0.0, 0.1, 1.0, 8.0]),
    worth=st.sampled_from([0.0, 1.0, 100.0]),
    low=st.sampled_from([0.0, 0.5, 0.8]),
    high=st.sampled_from([1.2, 4.0, 100.0]),
    size=st.sampled_from([0, 1, 4]),
)
def test_losses_of_sampled_tokens(
    name: str,
    seed: int,
    scale: float,
    far: float,
    worth: float,
    low: float,
    high: float,
    size: int,
    client: TrainingClient,
) -> None:
    logits = logits_of(seed, scale)
    session, logprobs = table_session(logits), log_softmax(logits)
    config = {"clip_low_threshold": low, "clip_high_threshold": high}
    config = {key: value for key, value in config.items() if key in LOSSES[name].settings}
    batch, targets = token_batch(seed, logprobs, far, worth)
    own = seen(client, session, batch)
    output = policy_forward_backward(
        session,
        batch,
        config=PolicyForwardBackwardConfig(
            loss=name,  # type: ignore[arg-type]
            loss_config=config,
            micro_batch_size=size,
        ),
        training=client,
    ).result()
    chosen = loss_settings(LossOptions(name=name, config=config))
    terms, slopes = on_paper(name, batch, own, chosen)
    require_close(session, output.loss, terms, by_logits(slopes, targets, logprobs))


@pytest.mark.parametrize("name", POLICY)
@pytest.mark.parametrize("worth", [1.0, -1.0])
@pytest.mark.parametrize("far", [-300.0, -60.0, 60.0, 300.0])
def test_ratios_that_no_float_holds(
    name: str, worth: float, far: float, client: TrainingClient
) -> None:
    """Where the loss is a number, its gradient is; where it is none, nothing is changed."""
    logits = logits_of(5, 1.0)
    session, logprobs = table_session(logits), log_softmax(logits)
    near, targets = token_batch(5, logprobs, 0.1, 1.0)
    columns = dict(near.columns)
    columns["logprobs"] = (columns["logprobs"] - far).astype(np.float32)
    columns["advantages"] = np.full(SIZE, worth, np.float32)
    batch, options = policy_batch(columns), LossOptions(name=name)
    own = seen(client, session, batch)
    terms, slopes = on_paper(name, batch, own, loss_settings(options))
    pending = client.forward_backward(session, batch, options)
    if np.abs(terms).max() > np.finfo(np.float32).max:
        with pytest.raises(AdapterError, match="no weight was changed"):
            pending.result()
        assert session.parameters["rows"].grad is None
        return
    gradient = by_logits(slopes, targets, logprobs)
    # A ratio is known as well as what it is the exponential of: to so many parts in 2^24.
    require_close(session, pending.result().loss, terms, gradient, within=1 + abs(far) / 8)


@settings(max_examples=20, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    scale=st.sampled_from([0.0, 0.5, 3.0]),
    far=st.sampled_from([0.0, 1.0, 8.0]),
    coefficient=st.sampled_from([0.0, 0.05, 3.0]),
)
def test_the_distance_from_a_reference(
    seed: int, scale: float, far: float, coefficient: float, client: TrainingClient
) -> None:
    """coefficient / 2 (l - p)^2 (Schulman 2020, "Approximating KL divergence": k2)."""
    logits = logits_of(seed, scale)
    session, logprobs = table_session(logits), log_softmax(logits)
    sampled, targets = token_batch(seed, logprobs, far, 1.0)
    columns = dict(sampled.columns)
    columns["reference"] = columns["logprobs"] + np.float32(0.25)
    batch = policy_batch(columns)
    own = seen(client, session, batch)
    output = penalise_distance(
        session,
        batch,
        config=PenaliseDistanceConfig(coefficient=coefficient),
        training=client,
    ).result()
    apart = np.where(columns["weights"] != 0, own - columns["reference"].astype(np.float64), 0)
    terms = columns["weights"] * coefficient / 2 * apart**2
    slopes = columns["weights"] * coefficient * apart
    require_close(session, output.loss, terms, by_logits(slopes, targets, logprobs))


@settings(max_examples=30, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    scale=st.sampled_from([0.0, 1.0, 30.0]),
    wide=st.sampled_from([1, 3]),
    temperature=st.sampled_from([1.0, 0.5, 4.0]),
)
def test_cross_entropy(
    seed: int, scale: float, wide: int, temperature: float, client: TrainingClient
) -> None:
    """Of one target a place or of several, at any temperature; saturated logits among them."""
    logits, generator = logits_of(seed, scale), np.random.default_rng(seed)
    targets = generator.integers(0, SIZE, (SIZE, wide))
    weights = (generator.random((SIZE, wide)) * (generator.random((SIZE, 1)) < 0.7)).astype("f4")
    columns = {"targets": targets.astype(np.int32), "weights": weights}
    if wide == 1:
        columns = {key: column[:, 0] for key, column in columns.items()}
    session, logprobs = table_session(logits), log_softmax(logits / temperature)
    name = "cross_entropy" if temperature == 1 else "tempered_cross_entropy"
    output = forward_backward(
        session,
        table_batch(LENGTHS, columns),
        config=ForwardBackwardConfig(
            loss=name,  # type: ignore[arg-type]
            loss_config={} if temperature == 1 else {"temperature": temperature},
        ),
        training=client,
    ).result()
    gradient, terms = np.zeros((SIZE, SIZE)), np.zeros((SIZE, wide))
    for k in range(wide):
        own = logprobs[np.arange(SIZE), targets[:, k]]
        each = zip(weights[:, k].tolist(), own.tolist(), strict=True)
        found = [cross_entropy(*one) for one in each]
        terms[:, k] = [loss for loss, _ in found]
        slopes = np.array([slope for _, slope in found]) / temperature
        gradient += by_logits(slopes, targets[:, k], logprobs)
    require_close(session, output.loss, terms, gradient)


# ------------------------------------------------------------------------------------ of pairs


def pairs_of(seed: int, logprobs: np.ndarray, far: float) -> tuple[PairBatch, np.ndarray]:
    """Three pairs of answers of 1 token and more, and what a reference says of them."""
    generator = np.random.default_rng(seed)
    targets = generator.integers(0, SIZE, SIZE)
    place = np.arange(SIZE) - np.repeat(STARTS, LENGTHS)
    weights = (place >= generator.integers(0, np.repeat(LENGTHS, LENGTHS))).astype(np.float32)
    weights[STARTS + np.array(LENGTHS) - 1] = 1  # no answer is empty
    columns = {"targets": targets.astype(np.int32), "weights": weights}
    own = weights * logprobs[np.arange(SIZE), targets]
    sums = np.add.reduceat(own, STARTS).reshape(-1, 2)
    reference = sums + generator.uniform(-far, far, sums.shape)
    batch = table_batch(LENGTHS, columns)
    return PairBatch(0, "pairs", batch, np.arange(len(sums)), len(sums)), reference


def pairs_on_paper(
    name: str,
    weights: np.ndarray,
    reference: np.ndarray,
    own: np.ndarray,
    chosen: Mapping[str, float],
) -> tuple[np.ndarray, np.ndarray]:
    """The losses of pairs, and the slope by each token's log-probability."""
    sums, tokens = (np.add.reduceat(x, STARTS).reshape(-1, 2) for x in (weights * own, weights))
    found = []
    for (lc, lr), (pc, pr), (nc, nr) in zip(
        sums.tolist(), reference.tolist(), tokens.tolist(), strict=True
    ):
        loss, slopes = pair_loss(name, (lc, lr), (pc, pr), (nc, nr), chosen)
        nll = chosen["nll_weight"]  # Pang et al. 2024, arXiv:2404.19733, eq. 1
        found.append((loss - nll * lc / nc, (slopes[0] - nll / nc, slopes[1])))
    by_sequence = np.array([slopes for _, slopes in found]).ravel()
    return np.array([loss for loss, _ in found]), np.repeat(by_sequence, LENGTHS) * weights


@pytest.mark.parametrize("name", PREFERENCE)
@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    scale=st.sampled_from([0.0, 0.5, 3.0, 30.0]),
    far=st.sampled_from([0.0, 1.0, 20.0, 1000.0]),
    beta=st.sampled_from([0.01, 0.1, 2.5]),
    smoothing=st.sampled_from([0.0, 0.3]),
    nll=st.sampled_from([0.0, 0.5]),
    size=st.sampled_from([0, 1, 2]),
)
def test_losses_of_pairs(
    name: str,
    seed: int,
    scale: float,
    far: float,
    beta: float,
    smoothing: float,
    nll: float,
    size: int,
    client: TrainingClient,
) -> None:
    logits = logits_of(seed, scale)
    session, logprobs = table_session(logits), log_softmax(logits)
    pairs, reference = pairs_of(seed, logprobs, far)
    chosen = {"beta": beta, "label_smoothing": smoothing, "gamma": 0.7, "nll_weight": nll}
    own = seen(client, session, pairs.batch)
    assume(name != "orpo" or (np.add.reduceat(own, STARTS) < 0).all())  # no odds are infinite
    output = preference_forward_backward(
        session,
        pairs,
        ReferenceScores("pairs", "", reference),
        config=PreferenceForwardBackwardConfig(
            loss=name,  # type: ignore[arg-type]
            micro_batch_size=size,
            **chosen,
        ),
        training=client,
    ).result()
    columns = pairs.batch.columns
    terms, slopes = pairs_on_paper(name, columns["weights"], reference, own, chosen)
    gradient = by_logits(slopes, columns["targets"], logprobs) / pairs.pairs
    require_close(session, output.loss, terms / pairs.pairs, gradient)
