"""Features: the suite's extraction against the straightforward per-file scripts, on the same cores, in one run.

Two comparisons at the published front end (32 kHz, 2048 / 1024, 64 mel), on synthesised sounds:

files    10 s WAV files to stored features. Script: librosa.load, librosa.feature.melspectrogram, logarithm, one row of
         an HDF5 file, file after file.
recipe   sources to the stored features of three SNRs. Script, as released: per SNR and mixture load and
         resample scene and events, mix, write a WAV; then the script above. The suite mixes on the fly.

    python benchmarks/bench_features.py [--mixtures 96] [--repeats 5]
"""

import argparse
import multiprocessing
import statistics
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import Executor, ProcessPoolExecutor
from pathlib import Path

import h5py
import librosa
import numpy as np
import soundfile

from sedrepro.audio.extraction import features_of_files
from sedrepro.audio.front_end import FrontEnd
from sedrepro.audio.store import StoreFacts, write_store
from sedrepro.base.memory import keep_freed_memory
from sedrepro.base.parallel import usable_cores
from sedrepro.corpora.remix import Mixture, read_recipes
from sedrepro.corpora.survey import survey, write_survey
from sedrepro.data_sets import data_set
from sedrepro.experiments.configuration import Config
from sedrepro.experiments.papers import Paper, load_paper
from sedrepro.experiments.places import corpus_folder, store_folder, survey_folder
from sedrepro.miniature.remix_sources import MiniatureSize, write_remix_sources
from sedrepro.steps.corpus_tables import prepare_tables
from sedrepro.steps.features import extract_features
from sedrepro.steps.recipes import prepare_recipes

PAPER = "two_step_attention"
CORPUS = "remix"


def straightforward(wavs: list[Path], front_end: FrontEnd, target: Path) -> None:
    """One file after the other through librosa into HDF5."""
    with h5py.File(target, "w") as file:
        shape = (len(wavs), front_end.n_frames, front_end.n_mels)
        rows = file.create_dataset("mixture_logmel", shape, dtype="f4")
        for row, wav in enumerate(wavs):
            samples, _ = librosa.load(wav, sr=front_end.sample_rate)
            mel = librosa.feature.melspectrogram(
                y=samples,
                sr=front_end.sample_rate,
                n_fft=front_end.window_length,
                hop_length=front_end.hop_length,
                window=np.hamming(front_end.window_length),
                center=False,
                power=1,
                n_mels=front_end.n_mels,
                fmin=front_end.fmin,
                fmax=front_end.fmax,
            )
            rows[row] = np.log(mel + front_end.log_offset).T


def mix_to_wav(config: Config, paper: Paper, mixtures: list[Mixture], folder: Path) -> list[Path]:
    """Every mixture at every SNR as a WAV file, each made from its sources alone."""
    front_end, wavs = paper.settings.front_end, []
    for snr in paper.settings.corpora[CORPUS].snr_db:
        for mixture in mixtures:
            scene, _ = librosa.load(config.corpora_dir / mixture.scene, sr=front_end.sample_rate)
            scene = scene[: front_end.samples] / np.sqrt(np.mean(scene**2))
            events = np.zeros_like(scene)
            for event in mixture.events:
                whole, _ = librosa.load(config.corpora_dir / event.filename, sr=front_end.sample_rate)
                whole = whole / np.sqrt(np.mean(whole**2)) * 10 ** (snr / 20)
                start, stop = (round(t * front_end.sample_rate) for t in (event.onset, event.offset))
                cut = whole[: stop - start]
                events[start : start + len(cut)] = cut
            mixed = (events + scene) / 2 / max(np.abs(events).max(), np.abs(scene).max())
            wavs.append(folder / f"{snr}_{mixture.filename}")
            soundfile.write(wavs[-1], mixed, front_end.sample_rate, "PCM_16")
    return wavs


def files_to_store(wavs: list[Path], front_end: FrontEnd, folder: Path) -> None:
    """The suite's way from WAV files to a feature store."""
    index = [(wav.name, "development", 1, front_end.clip_seconds, "Bus", wav.stem) for wav in wavs]
    facts = StoreFacts(
        front_end=front_end,
        classes=("Bus",),
        variants=("files",),
        clips=len(wavs),
        clips_expected=len(wavs),
        fingerprint="",
        data={},
    )
    blocks = ({"files": row[None]} for row in features_of_files(wavs, front_end, usable_cores()))
    write_store(folder, facts, index, blocks)


def prepare(root: Path, mixtures: int) -> tuple[Config, Paper]:
    """Synthesised sources, their surveys and a recipe of `mixtures` mixtures at the published front end."""
    write_remix_sources(root / "corpora", size=MiniatureSize(clips_per_class=12, segments_per_scene=4))
    overrides = {f"corpora.{CORPUS}.mixtures_per_fold": mixtures // 4}
    config = Config(
        scale="full",
        data_root=root / "corpora",
        work_dir=root,
        device="cpu",
        folds=[1],
        seeds=[1],
        set={PAPER: overrides},
    )
    paper = load_paper(PAPER, config)
    for name in (paper.settings.corpora[CORPUS].events, paper.settings.corpora[CORPUS].scenes):
        module = data_set(name)
        found = survey(config.corpora_dir, module.clips(config.corpora_dir), name)
        write_survey(survey_folder(config, name), name, module.CLIP_SECONDS, found)
    prepare_recipes(config, paper, CORPUS)
    prepare_tables(config, paper, CORPUS)
    return config, paper


def script_from_recipe(config: Config, paper: Paper, mixtures: list[Mixture], folder: Path, target: Path) -> None:
    """Mix to WAV files, then extract file after file."""
    straightforward(mix_to_wav(config, paper, mixtures, folder), paper.settings.front_end, target)


def seconds(function: Callable, *arguments: object) -> float:
    """Wall-clock seconds of one call."""
    started = time.perf_counter()
    function(*arguments)
    return time.perf_counter() - started


def compare(title: str, clips: int, repeats: int, pools: tuple[Executor, Executor], script: tuple, ours: tuple) -> None:
    """Run both in turn, each in a process of its own, and print milliseconds per clip and the ratio."""
    times = []
    for _ in range(repeats + 1):  # the first is a warm-up
        times.append([pool.submit(seconds, *call).result() for pool, call in zip(pools, (script, ours), strict=True)])
    times = times[1:]
    base, suite = (statistics.median(column) / clips * 1e3 for column in zip(*times, strict=True))
    ratios = [b / o for b, o in times]
    print(f"  {title}: script {base:.2f} ms per clip, sedrepro {suite:.2f} ms per clip,", end=" ")
    print(f"ratio {statistics.median(ratios):.1f} (lowest {min(ratios):.1f}, highest {max(ratios):.1f})")


def main() -> None:
    """Run both comparisons."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--mixtures", type=int, default=96)
    options.add_argument("--repeats", type=int, default=5)
    given = options.parse_args()
    cores, spawn = usable_cores(), multiprocessing.get_context("spawn")
    with (
        tempfile.TemporaryDirectory() as folder,
        ProcessPoolExecutor(1, spawn) as plain,
        ProcessPoolExecutor(1, spawn, keep_freed_memory) as as_in_the_suite,
    ):
        root, pools = Path(folder), (plain, as_in_the_suite)
        config, paper = prepare(root, given.mixtures)
        front_end, hdf5, store = paper.settings.front_end, root / "features.h5", root / "store"
        mixtures = read_recipes(corpus_folder(config, paper, CORPUS) / "recipes.tsv")
        wavs = mix_to_wav(config, paper, mixtures, root)
        print(f"features, {len(wavs)} clips of 10 s, {cores} cores, median of {given.repeats} runs")
        script, ours = (straightforward, wavs, front_end, hdf5), (files_to_store, wavs, front_end, store)
        compare("files ", len(wavs), given.repeats, pools, script, ours)
        script = (script_from_recipe, config, paper, mixtures, root, hdf5)
        compare("recipe", len(wavs), given.repeats, pools, script, (extract_features, config, paper, CORPUS, cores))
        mixed = store_folder(config, paper, CORPUS)
        arrays = [mixed / f"{variant}.npy" for variant in paper.settings.corpora[CORPUS].variants(CORPUS)]
        _check_equal(hdf5, np.load(store / "files.npy"))
        _check_equal(hdf5, np.concatenate([np.load(path) for path in arrays]))


def _check_equal(hdf5: Path, ours: np.ndarray) -> None:
    """Both ways must give the same features: up to the window's constant scale, 16-bit WAV and float16 storage."""
    with h5py.File(hdf5) as file:
        offset = file["mixture_logmel"][:] - ours.astype(np.float32)
    if np.quantile(np.abs(offset - np.median(offset)), 0.95) > 0.02:
        raise SystemExit("the features differ: the times above compare different things")


if __name__ == "__main__":
    main()
