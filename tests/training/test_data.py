import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from sedrepro.audio.store import FeatureStore
from sedrepro.config import make_config
from sedrepro.errors import DataError, SettingsError
from sedrepro.settings import load_paper
from sedrepro.training.data import load_run_data, mel_statistics, split_validation
from sedrepro.training.seeds import RunSeeds

CLASSES = ("Bark", "Cough", "Knock")


class Store(FeatureStore):
    """A feature store in memory: 12 clips in folds 1 to 3, two clips per group."""

    def __init__(self, values: np.ndarray, folds=None):
        count = len(values)
        self.folder = "some/store"
        self.folds = np.array([i % 3 + 1 for i in range(count)] if folds is None else folds)
        self.splits = np.array(["testing" if i % 2 else "evaluation" for i in range(count)])
        self.groups = [f"g{i // 6}{i % 3}" for i in range(count)]
        self.filenames = [f"{i}.wav" for i in range(count)]
        self._values = values

    def array(self, variant):
        assert variant == "remix_0db"
        return self._values

    def targets(self):
        return np.eye(3, dtype=np.float32)[np.arange(len(self._values)) % 3]


def features(count=12, seed=0) -> np.ndarray:
    return np.random.default_rng(seed).normal(3, 2, (count, 5, 4)).astype(np.float16)


def run_data(store, fold=1, share=0.3, select_on="validation"):
    run = load_paper("two_step_attention", make_config({"scale": "miniature", "folds": 1, "seeds": 1}, "test")).run(
        "vgg_gap"
    )
    training = run.training.model_copy(update={"select_on": select_on, "validation_share": share})
    parts = store.folds != fold, store.folds == fold
    return load_run_data(store, "remix_0db", parts, training, RunSeeds(fold, 1), torch.device("cpu"))


# --- splitting


@given(
    st.lists(st.integers(0, 12), min_size=2, max_size=60).filter(lambda g: len(set(g)) > 1),
    st.floats(0.01, 0.99),
    st.integers(0, 99),
)
def test_a_split_is_a_partition_that_parts_no_group(group_numbers, share, seed):
    groups = [f"group {n}" for n in group_numbers]
    rows = np.arange(len(groups))
    train, validation = split_validation(rows, groups, share, np.random.default_rng(seed))
    assert sorted([*train, *validation]) == list(rows)
    assert len(train)
    assert len(validation)
    kept = {groups[row] for row in validation}
    assert not kept & {groups[row] for row in train}
    count = len(set(groups))
    assert len(kept) == min(max(1, round(share * count)), count - 1)


@given(st.sets(st.integers(0, 30), min_size=5), st.integers(0, 99))
def test_a_split_uses_only_the_given_rows(rows, seed):
    rows = np.array(sorted(rows))
    groups = [str(i) for i in range(31)]
    train, validation = split_validation(rows, groups, 0.4, np.random.default_rng(seed))
    assert sorted([*train, *validation]) == list(rows)


def test_equal_seeds_split_alike_and_others_differ():
    rows, groups = np.arange(40), [str(i) for i in range(40)]
    splits = [split_validation(rows, groups, 0.5, np.random.default_rng(seed))[1].tolist() for seed in (3, 3, 4)]
    assert splits[0] == splits[1] != splits[2]


@pytest.mark.parametrize("groups", [["a", "a", "a"], ["a"], []])
def test_fewer_than_two_groups_cannot_be_split(groups):
    with pytest.raises(DataError, match=r"cannot part \d clips of \d group"):
        split_validation(np.arange(len(groups)), groups, 0.5, np.random.default_rng(0))


# --- statistics


@given(st.integers(1, 9), st.integers(1, 4), st.integers(0, 99))
def test_statistics_are_numpys(clips, block, seed):
    values = np.random.default_rng(seed).normal(-8, 3, (10, 6, 5)).astype(np.float16)
    rows = np.random.default_rng(seed).permutation(10)[:clips]
    mean, deviation = mel_statistics(values, rows, block)
    chosen = values[rows].astype(np.float64)
    np.testing.assert_allclose(mean, chosen.mean(axis=(0, 1)), rtol=1e-6)
    np.testing.assert_allclose(deviation, chosen.std(axis=(0, 1)), rtol=1e-5)


def test_a_constant_mel_band_does_not_divide_by_zero():
    values = features()
    values[:, :, 2] = -18.42
    data = run_data(Store(values))
    assert torch.isfinite(data.train.features).all()
    assert data.train.features[:, :, 2].abs().max() == 0


# --- run data


def test_the_fold_is_held_out_and_the_rest_is_parted():
    store = Store(features())
    data = run_data(store, fold=2)
    assert set(data.held_out.filenames) == {"1.wav", "4.wav", "7.wav", "10.wav"}
    assert sorted([*data.train.filenames, *data.validation.filenames, *data.held_out.filenames]) == sorted(
        store.filenames
    )
    assert len(data.train) == len(data.train.filenames) == len(data.train.features) == len(data.train.targets)


def test_features_and_labels_stay_with_their_clip():
    store = Store(features())
    data = run_data(store)
    for clips in (data.train, data.validation, data.held_out):
        for name, values, target in zip(clips.filenames, clips.features, clips.targets, strict=True):
            row = store.filenames.index(name)
            expected = (store._values[row].astype(np.float32) - data.mean) / data.deviation
            np.testing.assert_allclose(values, expected, rtol=1e-6)
            np.testing.assert_array_equal(target, store.targets()[row])


def test_standardisation_knows_the_training_folds_only():
    values = features()
    changed = values.copy()
    changed[np.arange(12) % 3 == 0] += 100  # fold 1, held out
    data, other = run_data(Store(values)), run_data(Store(changed))
    np.testing.assert_array_equal(data.mean, other.mean)
    np.testing.assert_array_equal(data.deviation, other.deviation)
    assert torch.equal(data.train.features, other.train.features)
    both = torch.cat([data.train.features, data.validation.features]).double()
    torch.testing.assert_close(both.mean(dim=(0, 1)), torch.zeros(4, dtype=torch.float64), atol=1e-5, rtol=0)
    torch.testing.assert_close(
        both.std(dim=(0, 1), correction=0), torch.ones(4, dtype=torch.float64), atol=1e-5, rtol=0
    )


def test_an_empty_fold_names_the_folds_that_have_clips():
    with pytest.raises(DataError) as caught:
        run_data(Store(features()), fold=7)
    assert (
        str(caught.value)
        == "some/store: no clip is held out; it has clips of splits evaluation, testing, folds 1, 2, 3"
    )


def test_a_store_of_one_fold_leaves_nothing_to_train_on():
    with pytest.raises(
        DataError, match=r"no clip is left for training; it has clips of splits evaluation, testing, folds 1$"
    ):
        run_data(Store(features(), folds=[1] * 12))


def test_without_a_validation_part_all_training_folds_train_and_the_held_out_fold_selects():
    store = Store(features())
    data, kept = run_data(store, select_on="held_out"), run_data(store, share=0.5)
    assert set(data.train.filenames) == set(kept.train.filenames) | set(kept.validation.filenames)
    assert data.validation is data.held_out
    assert data.held_out.filenames == kept.held_out.filenames


def test_one_held_out_split_can_select():
    store = Store(features())
    data = run_data(store, select_on="testing")
    testing = {name for name, split in zip(store.filenames, store.splits, strict=True) if split == "testing"}
    assert set(data.validation.filenames) == set(data.held_out.filenames) & testing
    assert 0 < len(data.validation) < len(data.held_out)
    assert len(data.train) == 8
    with pytest.raises(SettingsError, match=r"training\.select_on = tsting: .* did you mean 'testing'"):
        run_data(store, select_on="tsting")


def test_held_out_rows_are_those_of_the_store():
    store = Store(features())
    data = run_data(store, fold=2)
    assert [store.filenames[row] for row in data.held_out_rows] == list(data.held_out.filenames)


def test_more_clips_than_a_block_are_standardised_alike():
    values = features(count=600)
    data = run_data(Store(values))
    expected = (values[data.held_out_rows].astype(np.float32) - data.mean) / data.deviation
    np.testing.assert_array_equal(data.held_out.features.numpy(), expected)
