"""The model card of a run: what lies in weights.safetensors, from the run's own files and the settings only."""

from collections.abc import Mapping
from pathlib import Path

from sedrepro.base.files import write_text
from sedrepro.base.typed import load
from sedrepro.experiments.environment import Environment, read_environment
from sedrepro.experiments.metrics_files import RunMetrics
from sedrepro.experiments.papers import Paper
from sedrepro.experiments.run_config import RunConfig, config_file
from sedrepro.experiments.run_files import ENVIRONMENT
from sedrepro.experiments.runs import RunIdentity
from sedrepro.experiments.scales import SYNTHESISED
from sedrepro.obtaining.licences import licences
from sedrepro.reporting.status.cost import duration, memory
from sedrepro.training.settings import RunSettings

MODEL_CARD = "model_card.md"
#: What each scale's runs were trained on, and what that means for the weights.
SCALES = {
    "miniature": "**Not for use.** Trained at scale `miniature`: a narrow network on some hundred synthesised sounds. "
    "It shows that the software works; it has never heard a real recording.",
    "recordings": "**Not a reproduction.** Trained at scale `recordings`, budget `{budget}`: on a part of the data, or "
    "on other recordings in the same layout. Its numbers cannot be compared with the published ones.",
    "rehearsal": "**Not for use.** Made to rehearse scale `full`: three steps of training, scores drawn at random.",
    "full": "Trained at scale `full`: on the official data, as far as available, with the settings of the paper.",
}
#: Metrics that a short line shows, of those that there are.
SHOWN = ("micro_ap", "macro_ap", "roc_auc", "clip_f1", "segment_error_rate", "segment_f1", "event_f1", "tagging_f1")
LABELS = {
    "supervised": "weak labels",
    "mean_teacher": "weak and strong labels and unlabelled clips (mean teacher)",
    "confidence": "weak and strong labels and unlabelled clips (a confidence branch on a trained network)",
    "retraining": "weak and strong labels, and pseudo-labels of another run for unlabelled clips",
    "guided": "weak and strong labels and unlabelled clips (guided learning: a teacher and a student)",
}


def write_model_card(paper: Paper, run: RunIdentity, folder: Path, described: RunConfig, metrics: RunMetrics) -> Path:
    """Write model_card.md to a run's folder; returns its path.

    Raises:
        SettingsError: the settings in config.json are none of today (names the key).
    """
    settings, path = load(RunSettings, described.settings, str(config_file(folder))), folder / ENVIRONMENT
    environment = read_environment(path) if path.is_file() else None
    sections = {
        "": _what_it_is(paper, run, described),
        "Input and output": _interface(settings, described),
        "Data": _data(described, paper, run),
        "Training": _training(settings, described, environment),
        "Metrics": _metrics(metrics),
        "Use and limits": _limits(paper, run, described),
        "Licences": _licences(paper, run, described),
        "How to use it": _how_to(paper, run, described),
    }
    title = f"# Model card: {paper.settings.systems[run.system].label} ({paper.name}/{run.system})"
    parts = [f"## {head}\n\n{text}" if head else text for head, text in sections.items()]
    write_text(folder / MODEL_CARD, "\n\n".join([title, *parts]) + "\n")
    return folder / MODEL_CARD


def _what_it_is(paper: Paper, run: RunIdentity, described: RunConfig) -> str:
    about, scale = paper.settings.about, described.scale
    size = f" with {described.parameters} parameters" if described.parameters else ""
    corpus = paper.settings.corpora[paper.settings.corpus_of(run.variant)[0]]
    held_out = f"fold {run.fold} held out" if corpus.kind == "remix" else "official splits"
    network = paper.settings.systems[run.system].network
    return (
        f"{SCALES.get(scale, '').format(budget=paper.budget)}\n\n"
        f"A sound event detector of {len(described.classes)} classes: network `{network}`{size}. It was trained by "
        f"sedrepro after {about.authors}, *{about.title}*, {about.published_in} ({about.url}); it is not the authors' "
        f"own model. Corpus variant `{run.variant}`, {held_out}, seed {run.seed}."
    )


def _interface(settings: RunSettings, described: RunConfig) -> str:
    end = settings.front_end
    return (
        f"* Input: mono audio at {end.sample_rate} Hz in clips of {end.clip_seconds:g} s, as {end.n_mels} log-mel bands"
        f" from {end.fmin:g} to {end.fmax:g} Hz ({end.window} window of {end.window_length} samples, hop "
        f"{end.hop_length}, {end.spectrum} spectrum), standardised band by band by `mean` and `deviation` of "
        "scores.npz.\n"
        "* Output: a probability per class for the clip, and for each of its frames of scores.\n"
        f"* Classes, in the order of the output: {', '.join(described.classes)}."
    )


def _data(described: RunConfig, paper: Paper, run: RunIdentity) -> str:
    lines = [
        f"* {name}: {part.usable} of {part.expected} clips usable, fingerprint `{part.fingerprint[:16]}`"
        for name, part in described.data.items()
    ]
    corpus = paper.settings.corpus_of(run.variant)[0]
    used = [
        f"{clips} clips {words}"
        for clips, words in ((described.train_clips, "trained"), (described.selection_clips, "chose the epoch"))
        if clips is not None
    ]
    counts = "; ".join([f"{described.clips} of {described.clips_expected} clips", *used])
    return "\n".join([*lines, f"* Corpus `{corpus}` made of them: {counts}"])


def _training(settings: RunSettings, described: RunConfig, environment: Environment | None) -> str:
    training = settings.training
    kept = f"Epoch {described.best_epoch}" if described.best_epoch else "The best"
    chosen = f"the best on `{training.select_on}` by `{training.monitor}`"
    lines = [
        f"* From {LABELS.get(training.method.kind, training.method.kind)}"
        + (f", starting from system `{settings.based_on}`" if settings.based_on else ""),
        f"* {kept} of at most {training.epochs}, {chosen if training.monitor != 'none' else 'the last'}",
        f"* Adam, learning rate {training.learning_rate:g} ({training.schedule.kind}), {training.batch_size} per batch",
    ]
    if environment:
        spent = f"{duration(environment.seconds)}, peak memory {memory(environment.peak_memory_mib)}"
        lines += [
            f"* {spent}, on {environment.device}",
            f"* sedrepro {environment.sedrepro} ({environment.commit}), torch {environment.torch}",
        ]
    return "\n".join(lines)


def _metrics(metrics: RunMetrics) -> str:
    lines = ["Metrics of this one run on held-out clips; further ones, also class by class, are in metrics.json.", ""]
    for split, found in metrics.splits.items():
        lines.append(f"* {split}, {found.clips} clips: {in_short(found.metrics)}")
        lines += [f"* {split}, events by `{way}`: {in_short(of.metrics)}" for way, of in found.detections.items()]
    return "\n".join(lines)


def in_short(metrics: Mapping[str, float | None]) -> str:
    """Some metrics in a line, those that are defined."""
    known = [f"{name} {metrics[name]:.3f}" for name in SHOWN if metrics.get(name) is not None]
    return ", ".join(known) or "none of the usual metrics is defined"


def _limits(paper: Paper, run: RunIdentity, described: RunConfig) -> str:
    corpus = paper.settings.corpora[paper.settings.corpus_of(run.variant)[0]]
    lines = [
        "Made to study the paper's method and to compare its systems. Neither made nor tested for decisions about "
        "people, for surveillance, or for uses in which a missed or a false event does harm.",
        f"It knows its {len(described.classes)} classes only, and gives them scores for any sound.",
    ]
    if corpus.kind == "remix":
        lines.append("It was trained on single events mixed into scenes, unlike real recordings.")
    if not paper.settings.detection_of(paper.settings.corpus_of(run.variant)[0]):
        lines.append("The paper detects no events; thresholds for its frame scores are untuned.")
    return "\n".join(f"* {line}" for line in lines)


def _licences(paper: Paper, run: RunIdentity, described: RunConfig) -> str:
    found = licences(described.data)
    lines = [f"* {name}: {'; '.join(terms)}" for name, terms in found.items() if terms]
    if described.scale in SYNTHESISED:
        head = "The sounds were synthesised by sedrepro, in the layout of official data sets with these terms:"
    elif described.scale == "recordings":
        head = "Recordings from other sources have their own terms. Those of the official sets:"
    else:
        head = "Weights learnt from data may be bound by the terms of the data:"
    return "\n".join([head, "", *lines, "* sedrepro itself: MIT"])


def _how_to(paper: Paper, run: RunIdentity, described: RunConfig) -> str:
    words = f"--variant {run.variant} --fold {run.fold} --seed {run.seed} --scale {described.scale}"
    return (
        "In the checkout with these results:\n\n"
        f"```\npython -m sedrepro detect recording.wav --system {paper.name}/{run.system} {words}\n```"
    )
