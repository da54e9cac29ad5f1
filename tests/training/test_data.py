from types import SimpleNamespace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from sedrepro.annotations.clips import Event
from sedrepro.audio.store import FeatureStore
from sedrepro.base.errors import DataError, SettingsError
from sedrepro.corpora.settings import Parts
from sedrepro.experiments.configuration import make_config
from sedrepro.experiments.papers import load_paper
from sedrepro.training.data import (
    STRONG,
    UNLABELLED,
    WEAK,
    Clips,
    load_run_data,
    mel_statistics,
    split_validation,
    stored_features,
)
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
    none = np.zeros(len(store.folds), dtype=bool)
    parts = Parts(weak=store.folds != fold, strong=none, unlabelled=none, held_out=store.folds == fold)
    return load_run_data(store, "remix_0db", parts, training, RunSeeds(fold, 1))


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


@given(st.integers(1, 20), st.integers(2, 4))
def test_the_number_of_threads_changes_no_bit_of_the_statistics(block, threads):
    values = np.random.default_rng(0).normal(-8, 3, (40, 6, 5)).astype(np.float16)
    alone, together = (mel_statistics(values, np.arange(40), block, each) for each in (1, threads))
    np.testing.assert_array_equal(alone, together)


def test_a_constant_mel_band_does_not_divide_by_zero():
    values = features()
    values[:, :, 2] = -18.42
    data = run_data(Store(values))
    assert torch.isfinite(data.train.features[:]).all()
    assert data.train.features[:][:, :, 2].abs().max() == 0


# --- features as they are stored


@given(st.integers(0, 99), st.lists(st.integers(0, 29), min_size=1, max_size=40))
def test_a_batch_of_stored_features_has_the_bits_of_features_standardised_beforehand(seed, rows):
    values = np.random.default_rng(seed).normal(-8, 3, (30, 5, 4)).astype(np.float16)
    mean, deviation = mel_statistics(values, np.arange(30))
    stored = stored_features(values, np.arange(30), mean, deviation)
    beforehand = torch.from_numpy((values.astype(np.float32) - mean) / deviation)
    assert stored[torch.tensor(rows)].dtype == torch.float32
    assert torch.equal(stored[torch.tensor(rows)], beforehand[rows])
    assert torch.equal(stored[3:9], beforehand[3:9])
    assert torch.equal(stored[rows[0]], beforehand[rows[0]])
    assert all(torch.equal(*pair) for pair in zip(stored.split(7), beforehand.split(7), strict=True))
    assert (stored.values.numpy() == values).all()  # what was taken out was a copy


def test_stored_features_are_the_rows_asked_for_in_half_the_memory():
    values = features(count=600)
    rows = np.random.default_rng(0).permutation(600)[:580]
    stored = stored_features(values, rows, *mel_statistics(values, rows), threads=3)
    assert stored.values.dtype == torch.float16
    np.testing.assert_array_equal(stored.values, values[rows])
    assert 2 * stored.nbytes == stored[:].nbytes == 580 * 5 * 4 * 4
    assert len(stored) == 580
    assert stored.shape == (580, 5, 4)


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
    assert torch.equal(data.train.features[:], other.train.features[:])
    both = torch.cat([data.train.features[:], data.validation.features[:]]).double()
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


def test_a_held_out_split_named_validation_is_told_from_a_share_of_the_training_clips():
    store = Store(features())
    store.splits = np.where(store.splits == "testing", "validation", store.splits)
    data, share = run_data(store, select_on="held_out.validation"), run_data(store)
    assert set(data.validation.filenames) < set(data.held_out.filenames)
    assert len(data.validation) == 2
    assert len(data.train) == 8
    assert not set(share.validation.filenames) & set(data.held_out.filenames)
    with pytest.raises(SettingsError, match=r"did you mean 'held_out\.validation'"):
        run_data(store, select_on="held_out.validatoin")


def test_data_on_a_device_are_the_same_and_clips_with_two_uses_are_there_once():
    data = semi_data(Semi(), {}, select_on="held_out")
    there = data.to(torch.device("meta"))
    assert there.validation is there.held_out
    assert there.resident_bytes == data.resident_bytes == data.train.nbytes + data.held_out.nbytes
    assert {there.train.features.values.device.type, there.train.frame_targets.device.type} == {"meta"}
    assert there.train.filenames == data.train.filenames
    apart = semi_data(Semi(), {}).to(torch.device("meta"))
    assert apart.validation is not apart.held_out


def test_held_out_rows_are_those_of_the_store():
    store = Store(features())
    data = run_data(store, fold=2)
    assert [store.filenames[row] for row in data.held_out_rows] == list(data.held_out.filenames)


def test_more_clips_than_a_block_are_standardised_alike():
    values = features(count=600)
    data = run_data(Store(values))
    expected = (values[data.held_out_rows].astype(np.float32) - data.mean) / data.deviation
    np.testing.assert_array_equal(data.held_out.features[:].numpy(), expected)


# --- clips of several kinds


class Semi(Store):
    """A store of 4 held-out, 12 weak, 16 unlabelled and 12 strong clips, mixed; two clips of a kind per group."""

    def __init__(self, values=None):
        super().__init__(features(count=44) if values is None else values)
        self.kinds = np.random.default_rng(0).permutation(np.repeat(["held out", "weak", "free", "strong"], PARTS))
        numbers = {kind: iter(range(99)) for kind in set(self.kinds)}
        self.groups = [f"g{next(numbers[kind]) // 2}" for kind in self.kinds]  # groups of kinds have equal names
        front_end = SimpleNamespace(n_frames=5, frames_per_second=2.0)
        self.facts = SimpleNamespace(front_end=front_end, classes=CLASSES)

    def of(self, kind: str) -> set[str]:
        return {self.filenames[row] for row in np.flatnonzero(self.kinds == kind)}


PARTS = (4, 12, 16, 12)


def semi_data(store, strong=None, share=0.3, select_on="validation", label_pooling="majority", seed=1):
    run = load_paper("c_ssed", make_config({"scale": "full", "folds": 1, "seeds": 1}, "test")).run("power")
    method = run.training.method.model_copy(update={"label_pooling": label_pooling})
    changes = {"select_on": select_on, "validation_share": share, "method": method}
    parts = Parts(*(store.kinds == kind for kind in ("weak", "strong", "free", "held out")))
    training = run.training.model_copy(update=changes)
    return load_run_data(store, "remix_0db", parts, training, RunSeeds(1, seed), strong)


def group_of(store: Semi, clips: Clips, role: int) -> set[str]:
    return {store.groups[store.filenames.index(clips.filenames[row])] for row in clips.rows(role)}


@given(st.floats(0.01, 0.99), st.integers(0, 99))
def test_validation_takes_a_share_of_the_weak_and_of_the_strong_clips(share, seed):
    store = Semi()
    data = semi_data(store, share=share, seed=seed)
    count = min(max(1, round(share * 6)), 5)  # of six groups of two
    for role, kind in ((WEAK, "weak"), (STRONG, "strong")):
        assert len(data.validation.rows(role)) == 2 * count
        assert len(data.train.rows(role)) == 12 - 2 * count
        names = [clips.filenames[row] for clips in (data.train, data.validation) for row in clips.rows(role)]
        assert sorted(names) == sorted(store.of(kind))
        assert not group_of(store, data.train, role) & group_of(store, data.validation, role)
    assert {data.train.filenames[row] for row in data.train.rows(UNLABELLED)} == store.of("free")
    assert not len(data.validation.rows(UNLABELLED))
    assert set(data.held_out.filenames) == store.of("held out")


def test_the_parting_of_weak_and_of_strong_clips_are_draws_of_their_own():
    store = Semi()
    pairs = [(group_of(store, c, WEAK), group_of(store, c, STRONG)) for c in _validations(store)]
    assert any(weak != strong for weak, strong in pairs)
    assert any(pair != pairs[0] for pair in pairs)


def _validations(store: Semi) -> list[Clips]:
    return [semi_data(store, share=0.5, seed=seed).validation for seed in range(5)]


def test_without_a_validation_part_all_clips_of_each_kind_train():
    store = Semi()
    data = semi_data(store, select_on="held_out")
    assert [len(data.train.rows(role)) for role in (WEAK, STRONG, UNLABELLED)] == [12, 12, 16]
    assert set(data.train.filenames) == store.of("weak") | store.of("strong") | store.of("free")
    assert data.validation is data.held_out


def test_clips_keep_the_order_of_the_store():
    store = Semi()
    data = semi_data(store)
    for clips in (data.train, data.validation, data.held_out):
        rows = [store.filenames.index(name) for name in clips.filenames]
        assert rows == sorted(rows)


def test_standardisation_knows_all_training_clips_of_each_kind_and_no_other():
    values = features(count=44)
    store = Semi(values)
    data = semi_data(store)
    training = values[store.kinds != "held out"].astype(np.float64)
    np.testing.assert_allclose(data.mean, training.mean(axis=(0, 1)), rtol=1e-6)
    np.testing.assert_allclose(data.deviation, training.std(axis=(0, 1)), rtol=1e-5)


#: From 0.4 s to 1.6 s at two frames per second: frames 0 to 3 with offsets rounded up, 0 to 2 with them rounded down.
EVENT = Event(0.4, 1.6, "Cough")


def test_strong_labels_stand_at_the_frames_of_the_features():
    store = Semi()
    names = sorted(store.of("strong"))
    strong = {names[0]: [EVENT], names[1]: [EVENT, Event(2.0, 2.5, "Bark")]}
    data = semi_data(store, strong, select_on="held_out")
    assert data.train.frame_targets.shape == (40, 5, 3)
    assert data.train.frame_targets.dtype == torch.uint8
    assert data.held_out.frame_targets.shape == (4, 5, 3)
    found = dict(zip(data.train.filenames, data.train.frame_targets.numpy(), strict=True))
    first = np.array([[0, 1, 0]] * 4 + [[0, 0, 0]])
    np.testing.assert_array_equal(found[names[0]], first)
    np.testing.assert_array_equal(found[names[1]], first + np.array([[0, 0, 0]] * 4 + [[1, 0, 0]]))
    assert all(not found[name].any() for name in data.train.filenames if name not in strong)


@pytest.mark.parametrize(("pooling", "frames"), [("last", 3), ("majority", 4), ("max", 4)])
def test_offsets_are_rounded_down_where_labels_are_pooled_as_in_the_release(pooling, frames):
    store = Semi()
    name = min(store.of("strong"))
    data = semi_data(store, {name: [EVENT]}, select_on="held_out", label_pooling=pooling)
    assert int(data.train.frame_targets[data.train.filenames.index(name)].sum()) == frames


def test_frame_labels_are_there_only_where_they_are_asked_for():
    data = semi_data(Semi())
    for clips in (data.train, data.validation, data.held_out):
        assert clips.frame_targets is None
    assert all(
        clips.frame_targets is not None for clips in vars(semi_data(Semi(), {})).values() if hasattr(clips, "roles")
    )


def test_an_event_of_an_unknown_class_is_refused():
    store = Semi()
    with pytest.raises(DataError, match="did you mean 'Cough'"):
        semi_data(store, {min(store.of("strong")): [Event(0, 1, "Cougj")]})


def test_strong_clips_of_one_group_cannot_be_parted():
    store = Semi()
    store.groups = ["one" if kind == "strong" else group for kind, group in zip(store.kinds, store.groups, strict=True)]
    with pytest.raises(DataError, match=r"cannot part 12 clips of 1 group"):
        semi_data(store)


def test_weakly_labelled_clips_alone_are_parted_by_the_seed_of_the_split():
    # The stream "split" of the run's seeds, without index: runs from before other kinds of clips are the same.
    store = Store(features(count=30))
    data = run_data(store, share=0.4)
    rows = np.flatnonzero(store.folds != 1)
    train, validation = split_validation(rows, store.groups, 0.4, RunSeeds(1, 1).numpy("split"))
    assert data.train.filenames == tuple(store.filenames[row] for row in train)
    assert data.validation.filenames == tuple(store.filenames[row] for row in validation)
    assert (data.train.roles == WEAK).all()
    assert data.train.frame_targets is None
