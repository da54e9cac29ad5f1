"""Clip-level tables and frame scores in their forms, put beside labelled clips."""

import numpy as np
import pytest

from sedrepro.base.errors import DataError
from sedrepro.predictions.problems import Problems
from sedrepro.predictions.reference import Labelled
from sedrepro.predictions.scores import read_scores
from sedrepro.predictions.tags import read_tags

CLASSES = ("Cat", "Dog")
CLIPS = [Labelled("x/a.wav", duration=1.0), Labelled("x/b.wav", duration=0.8), Labelled("x/c.wav", duration=1.0)]


def tags(tmp_path, *lines, skip=False):
    path = tmp_path / "tags.tsv"
    path.write_text("\n".join(lines) + "\n")
    problems = Problems(skip)
    return {name: row.tolist() for name, row in read_tags(path, CLASSES, problems).items()}, problems


def test_three_forms_of_tags_are_read(tmp_path):
    long = ("filename\tevent_label\tscore", "a\tCat\t0.25", "b\tDog\t0.5", "a\tDog\t1")
    assert tags(tmp_path, *long)[0] == {"a": [0.25, 1], "b": [0, 0.5]}
    assert tags(tmp_path, "filename,Dog,Cat", "a,1,0.25", "b,0.5,0")[0] == {"a": [0.25, 1], "b": [0, 0.5]}
    assert tags(tmp_path, "filename\tevent_labels", "a\tCat,Dog", "b\t")[0] == {"a": [1, 1], "b": [0, 0]}


def test_a_class_without_a_column_scores_nothing_and_is_told(tmp_path):
    found, problems = tags(tmp_path, "filename,Cat", "a,0.5")
    assert found == {"a": [0.5, 0]}
    assert "Dog" in problems.lines()[0]


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        (("filename\tevent_label\tscore", "a\tCta\t1"), "row 2: class 'Cta' is unknown; did you mean 'Cat'"),
        (("filename\tevent_label\tscore", "a\tCat\tmuch"), "row 2: score 'much'"),
        (("filename\tevent_label\tscore", "a\tCat\t1", "a\tCat\t0"), "row 3: a has a second score for Cat"),
        (("filename,Cat", "a,1", "a,1"), "row 3: a is listed twice"),
        (("filename,Bird", "a,1"), "nor a column of a class"),
        (("filename,Cat,Cat", "a,1,0"), "row 1: column 'Cat' is there twice"),
        (("filename,Cat", "a,inf"), "row 2: score 'inf' is not a finite number"),
    ],
)
def test_bad_tables_of_tags_name_the_row(tmp_path, lines, words):
    with pytest.raises(DataError) as error:
        tags(tmp_path, *lines)
    assert words in str(error.value)


def score_file(folder, name, rows, header="onset\toffset\tCat\tDog"):
    folder.mkdir(exist_ok=True)
    (folder / name).write_text("\n".join([header, *rows]) + "\n")


def test_a_folder_of_score_files_becomes_frames_of_the_labelled_clips(tmp_path):
    folder = tmp_path / "scores"
    score_file(folder, "b.tsv", ["0.0\t0.4\t0.1\t0.9", "0.4\t0.8\t0.2\t0.8"])
    score_file(folder, "a.tsv", ["0.0\t0.4\t0.5\t0", "0.4\t0.8\t0.6\t0", "0.8\t1.0\t0.7\t0"])
    scores, missing = read_scores(folder, CLASSES).of(CLIPS, ("Dog", "Cat"), None)
    assert missing == ["x/c.wav"]
    assert scores.frames_per_second == pytest.approx(2.5)
    np.testing.assert_allclose(scores.frame[0, :, 1], [0.5, 0.6, 0.7], atol=1e-6)
    np.testing.assert_allclose(scores.frame[1], [[0.9, 0.1], [0.8, 0.2], [0, 0]], atol=1e-6)
    np.testing.assert_allclose(scores.clip[1], [0.9, 0.2], atol=1e-6)
    assert not scores.frame[2].any()


def test_an_npz_is_read_with_the_classes_that_it_names(tmp_path):
    frame = np.random.default_rng(0).random((2, 5, 2)).astype(np.float16)
    np.savez(
        tmp_path / "s.npz", filenames=["b", "a"], frame=frame, frames_per_second=5.0, classes=["Dog", "Cat"],
        clip=frame.mean(axis=1),
    )  # fmt: skip
    scores, _ = read_scores(tmp_path / "s.npz", CLASSES).of(CLIPS[:2], CLASSES, None)
    np.testing.assert_array_equal(scores.frame[0], frame[1][:, ::-1].astype(np.float32))
    np.testing.assert_array_equal(scores.clip[0], frame.mean(axis=1)[1][::-1])


def test_the_papers_grid_is_taken_where_scores_lie_on_it(tmp_path):
    np.savez(tmp_path / "s.npz", filenames=["a"], frame=np.zeros((1, 5, 2)), frames_per_second=5.0)
    scores = read_scores(tmp_path / "s.npz", CLASSES)
    assert scores.of(CLIPS, CLASSES, (11, 10.0))[0].on_feature_grid().frame.shape[1] == 11
    assert scores.of(CLIPS, CLASSES, (7, 7.0))[0].on_feature_grid().frame.shape[1] == 5


#: An .npz as it should be.
GOOD = {"filenames": ["a"], "frame": np.zeros((1, 5, 2)), "frames_per_second": 5.0}


def test_two_entries_of_a_clip_must_be_equal(tmp_path):
    frame = np.random.default_rng(1).random((1, 5, 2))
    for second, fits in ((frame, True), (frame / 2, False)):
        np.savez(tmp_path / "s.npz", **GOOD | {"filenames": ["a", "a"], "frame": np.concatenate([frame, second])})
        scores = read_scores(tmp_path / "s.npz", CLASSES)
        if fits:
            np.testing.assert_allclose(scores.of(CLIPS[:1], CLASSES, None)[0].frame_scores, frame, rtol=1e-6)
            continue
        with pytest.raises(DataError, match="two entries with unequal scores for clip 'a'"):
            scores.of(CLIPS[:1], CLASSES, None)


def test_two_entries_of_a_clip_must_have_equal_clip_scores_too(tmp_path):
    twice = {"filenames": ["a", "a"], "frame": np.zeros((2, 5, 2)), "clip": np.array([[0.1, 0.2], [0.1, 0.3]])}
    np.savez(tmp_path / "s.npz", **GOOD | twice)
    with pytest.raises(DataError, match="two entries with unequal scores for clip 'a'"):
        read_scores(tmp_path / "s.npz", CLASSES).of(CLIPS[:1], CLASSES, None)


@pytest.mark.parametrize(
    ("arrays", "words"),
    [
        ({"filenames": ["a"], "frame": np.zeros((1, 5, 2))}, "no array 'frames_per_second'"),
        ({"filenames": ["a"], "frame": np.zeros((1, 5, 3)), "frames_per_second": 5.0}, "'classes'"),
        ({"filenames": ["a", "b"], "frame": np.zeros((1, 5, 2)), "frames_per_second": 5.0}, "'filenames' is of 2"),
        ({"filenames": ["a"], "frame": np.full((1, 5, 2), np.nan), "frames_per_second": 5.0}, "no finite numbers"),
        (GOOD | {"clip": np.full((1, 2), np.nan)}, "clip holds scores or times that are no finite"),
        (GOOD | {"clip": np.zeros((1, 5))}, "clip has the shape (1, 5), not (1, 2)"),
        (GOOD | {"clip": np.array([["x", "y"]])}, "clip holds <U1, not numbers"),
        (GOOD | {"frame": np.zeros((1, 0, 2))}, "frame holds no frames"),
        (GOOD | {"frame": np.zeros((1, 5, 2), complex)}, "frame holds complex128"),
        (GOOD | {"durations": ["ten"]}, "durations holds <U3"),
        (GOOD | {"durations": [-2.0]}, "durations holds -2"),
        (GOOD | {"frames_per_second": 0.0}, "frames_per_second holds 0"),
        (GOOD | {"frames_per_second": np.inf}, "frames_per_second holds scores or times that are no finite"),
        (GOOD | {"frames_per_second": 1e12}, "frames_per_second is 1e+12"),
        (GOOD | {"frames_per_second": [5.0, 5.0]}, "frames_per_second has the shape (2,)"),
        (GOOD | {"frames_per_second": "fast"}, "frames_per_second holds <U4"),
    ],
)
def test_arrays_that_do_not_fit_are_named(tmp_path, arrays, words):
    np.savez(tmp_path / "s.npz", **arrays)
    with pytest.raises(DataError) as error:
        read_scores(tmp_path / "s.npz", CLASSES)
    assert words in str(error.value)


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        (["0\t0.4\t1\t1", "0.9\t1.0\t1\t1", "1.0\t1.2\t1\t1"], "row 3: onset 0.9 s is off the grid"),
        (["0\t0.4\t1\tx"], "row 2: a field is not a number"),
        (["0\t0.4\t1\tnan"], "row 2: a time or a score is not a finite number"),
        ([], "a row per frame follows"),
    ],
)
def test_bad_score_files_name_file_and_row(tmp_path, rows, words):
    score_file(tmp_path / "scores", "a.tsv", rows)
    with pytest.raises(DataError, match=r"a\.tsv") as error:
        read_scores(tmp_path / "scores", CLASSES)
    assert words in str(error.value)


def test_scores_that_lack_a_class_name_the_nearest(tmp_path):
    score_file(tmp_path / "scores", "a.tsv", ["0\t1\t1\t1"], header="onset\toffset\tCat\tDogs")
    with pytest.raises(DataError, match="did you mean 'Dogs'"):
        read_scores(tmp_path / "scores", CLASSES).of(CLIPS, CLASSES, None)
