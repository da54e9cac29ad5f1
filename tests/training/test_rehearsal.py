"""A rehearsed run makes the first steps of training as they are, and draws scores of the shapes that there would be."""

import numpy as np
import pytest
import semi_supervised as small
import torch
from semi_supervised import clips, crnn, method, run_data

from sedrepro.training.rehearsal import STEPS, random_scores, rehearsed, thinning
from sedrepro.training.seeds import RunSeeds
from sedrepro.training.settings import Supervised
from sedrepro.training.supervised import SupervisedTrainer


def trainer_and_data():
    data = run_data(clips())
    return small.trainer(crnn(), method("mean_teacher"), data), data


def test_its_steps_are_the_first_of_training():
    def weights_after(steps: int | None) -> dict[str, torch.Tensor]:
        trainer, data = trainer_and_data()
        if steps is None:
            trainer._train_epoch(data.train, 1)
            return trainer._kept().state_dict()
        return trainer.rehearse(data.train, steps).best_weights

    trainer, data = trainer_and_data()
    count = len(trainer._batches(data.train, 1))
    whole = weights_after(None)
    assert all(torch.equal(value, whole[name]) for name, value in weights_after(count).items())
    none, one = weights_after(0) if count == 0 else trainer.network.state_dict(), weights_after(1)
    assert any(not torch.equal(value, none[name]) for name, value in one.items())


def test_it_says_how_long_the_steps_took_and_keeps_a_row(tmp_path):
    trainer, data = trainer_and_data()
    said: list[str] = []
    progress = rehearsed(trainer, data.train, tmp_path / "lock", said.append)
    assert said[0].startswith(f"{STEPS} steps of {trainer.run.training.batch_size} clips in ")
    assert [row["epoch"] for row in progress.history] == [1] and "loss" in progress.history[0]
    assert progress.best_epoch == 1


@pytest.mark.parametrize(("batch", "expected"), [(3, 3), (4, 4), (8, 4), (11, 6), (12, 4)])
def test_on_a_processor_batches_are_smaller_and_it_says_so(monkeypatch, tmp_path, batch: int, expected: int):
    data = run_data(clips())
    run = small.settings(method("mean_teacher"), batch_size=batch)
    training = run.training.model_copy(update={"method": Supervised(kind="supervised")})
    trainer = SupervisedTrainer(crnn(), run.model_copy(update={"training": training}), RunSeeds(1, 1), small.CPU)
    sizes: list[int] = []
    losses = trainer._losses
    monkeypatch.setattr(trainer, "_losses", lambda train, rows: sizes.append(len(rows)) or losses(train, rows))
    said: list[str] = []
    rehearsed(trainer, data.train, tmp_path / "lock", said.append)
    assert max(sizes) == expected and ("too long" in said[0]) == (expected < batch)
    assert thinning(training, is_gpu=True) == 1


def test_composed_batches_stay_whole(tmp_path):
    trainer, data = trainer_and_data()
    said: list[str] = []
    rehearsed(trainer, data.train, tmp_path / "lock", said.append)
    assert thinning(trainer.run.training, is_gpu=False) == 1
    assert "too long" not in said[0]


@pytest.mark.parametrize("with_frames", [True, False])
def test_drawn_scores_have_the_shapes_and_types_of_real_ones(with_frames: bool):
    trainer, data = trainer_and_data()
    real = vars(trainer.scores(data.held_out, with_frames))
    drawn = vars(random_scores(trainer, data.held_out, with_frames))
    for name, array in real.items():
        if array is None:
            assert drawn[name] is None
        else:
            assert drawn[name].shape == array.shape and drawn[name].dtype == array.dtype
            assert drawn[name].min() >= 0 and drawn[name].max() <= 1
            assert not np.array_equal(drawn[name], array)
