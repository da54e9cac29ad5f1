"""A trained run in one file that travels: all that is needed to find its events in recordings, and what it is.

The file is a zip of

    model.json            network, front end, statistics of the features, classes, way of detection, data, licences
    weights.safetensors   the weights as the run has them
    model_card.md         what the run is, what it was trained on, and what it is not for

Where it is read, the package is enough: no settings of a checkout, no results and no data are asked for.
"""

import importlib
import io
import json
import zipfile
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import Field

from sedrepro import __version__
from sedrepro.audio.front_end import FrontEnd
from sedrepro.base.errors import DataError, SettingsError
from sedrepro.base.files import atomic_path, read_json
from sedrepro.base.typed import Typed, load
from sedrepro.detection.methods import chosen_before
from sedrepro.detection.settings import Method
from sedrepro.experiments.networks import network_module
from sedrepro.experiments.papers import Paper
from sedrepro.experiments.run_files import CONFIG, WEIGHTS
from sedrepro.experiments.run_view import RunView
from sedrepro.inference.choice import Way
from sedrepro.inference.detect import run_facts
from sedrepro.inference.listener import Listener, listener_of
from sedrepro.reporting.status.model_card import MODEL_CARD, licences

MODEL = "model.json"
#: Of the layout of the file; a reader refuses others.
FORMAT = 1
#: Equal runs give equal files: members bear this date.
DATE = (1980, 1, 1, 0, 0, 0)


class ModelFile(Typed):
    """What model.json holds."""

    format: Literal[1]
    sedrepro: str
    paper: str
    label: str
    run: dict[str, Any] = Field(description="who the run is, its scale, and its data's fingerprint")
    warning: str = Field(description="what keeps its events from being used; empty: nothing known")
    network: str
    arguments: dict[str, Any]
    loss_weights: dict[str, float]
    classes: tuple[str, ...]
    front_end: FrontEnd
    mean: tuple[float, ...] = Field(description="of the features, per mel band")
    deviation: tuple[float, ...]
    frames_per_second: float = Field(gt=0, description="of the scores")
    detection: str
    detection_note: str
    method: Annotated[Method, Field(discriminator="kind")]
    chosen: dict[str, float] = Field(description="what was chosen for the way of detection when the run was scored")
    class_chosen: dict[str, dict[str, float]]
    data: dict[str, Any]
    licences: dict[str, list[str]] = Field(description="of the data, by data set")


def write_model(paper: Paper, run: RunView, way: Way, path: Path) -> Path:
    """Write a trained and scored run to `path`; returns it.

    Raises:
        DataError: the run is not there or not scored, or `path` cannot be written.
    """
    listener = listener_of(run)  # refuses what another front end or damaged files would spoil
    card = run.folder / MODEL_CARD
    if not card.is_file():
        raise DataError(
            f"{card}: no such file; once all runs of the paper are scored, this writes it: "
            f"python -m sedrepro model-cards --scale {run.config.scale} --paper {paper.name}"
        )
    described = _described(paper, run, way, listener)
    with atomic_path(path) as temporary, zipfile.ZipFile(temporary, "w", zipfile.ZIP_DEFLATED) as file:
        text = json.dumps(described, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
        for name, content in (
            (MODEL, text.encode()),
            (WEIGHTS, (run.folder / WEIGHTS).read_bytes()),
            (MODEL_CARD, card.read_bytes()),
        ):
            file.writestr(zipfile.ZipInfo(name, DATE), content, zipfile.ZIP_DEFLATED)
    return path


def _described(paper: Paper, run: RunView, way: Way, listener: Listener) -> dict[str, Any]:
    config, settings = read_json(run.folder / CONFIG), paper.run(run.who.system, run.who.variant)
    facts = run_facts(run, way)
    return {
        "format": FORMAT,
        "sedrepro": __version__,
        "paper": paper.name,
        "label": paper.settings.systems[run.who.system].label,
        "run": asdict(run.who) | facts["run"],
        "warning": facts["warning"],
        "network": settings.network,
        "arguments": settings.arguments,
        "loss_weights": settings.loss_weights,
        "classes": list(listener.classes),
        "front_end": listener.front_end.model_dump(mode="json"),
        "mean": np.asarray(listener.mean, float).tolist(),
        "deviation": np.asarray(listener.deviation, float).tolist(),
        "frames_per_second": float(run.scores["frames_per_second"]),
        "detection": way.name,
        "detection_note": way.note,
        "method": way.how.model_dump(mode="json"),
        "chosen": way.detector.settings,
        "class_chosen": way.detector.class_settings,
        "data": config.get("data", {}),
        "licences": licences(config.get("data", {})),
    }


def read_model(path: Path) -> tuple[Listener, Way, dict[str, Any]]:
    """A network ready for recordings, its way of detection, and the facts that events.json tells of both.

    Raises:
        DataError: the file is missing, damaged, or of another kind.
        SettingsError: what it says of itself does not fit this version of the package.
    """
    content = _members(path)
    model = load(ModelFile, _json(path, content[MODEL]), f"{path}: {MODEL}")
    listener = Listener(
        _network(path, model, content[WEIGHTS]),
        np.array(model.mean, np.float32),
        np.array(model.deviation, np.float32),
        list(model.classes),
        model.front_end,
    )
    try:
        detector = chosen_before(
            model.method, model.chosen, model.class_chosen, listener.classes, model.frames_per_second
        )
    except (KeyError, ValueError) as error:
        problem = str(error).partition("\n")[0]
        raise DataError(
            f"{path}: {MODEL}: what was chosen for '{model.detection}' is incomplete ({problem})"
        ) from error
    way = Way(model.detection, model.method, detector, model.detection_note)
    facts = {
        "sedrepro": __version__,
        "model": str(path),
        "warning": model.warning,
        "run": model.run,
        "detection": {"name": model.detection, "kind": model.method.kind}
        | {"method": model.method.model_dump(mode="json", exclude={"kind", "corpora"})}
        | {"settings": model.chosen, "class_settings": model.class_chosen},
        "licences": model.licences,
    }
    return listener, way, facts


def _members(path: Path) -> dict[str, bytes]:
    try:
        with zipfile.ZipFile(path) as file:
            return {name: file.read(name) for name in (MODEL, WEIGHTS)}
    except FileNotFoundError as error:
        raise DataError(f"{path}: no such file; python -m sedrepro export writes one") from error
    except KeyError as error:
        raise DataError(f"{path}: is no model file ({error.args[0]})") from error
    except (zipfile.BadZipFile, OSError, EOFError, RuntimeError) as error:
        raise DataError(f"{path}: cannot be read as a model file ({error}); export the run again") from error


def _json(path: Path, content: bytes) -> dict[str, Any]:
    try:
        return json.load(io.BytesIO(content))
    except ValueError as error:
        raise DataError(f"{path}: {MODEL} is not valid JSON ({error}); export the run again") from error


def _network(path: Path, model: ModelFile, weights: bytes) -> Any:
    """The network with its weights, ready to be asked."""
    from safetensors import SafetensorError
    from safetensors.torch import load as tensors

    try:
        module = importlib.import_module(network_module(model.paper))
    except ModuleNotFoundError as error:
        raise SettingsError(f"{path}: is of paper '{model.paper}', which this package does not have") from error
    end = model.front_end
    try:
        network = module.build(
            model.network, model.arguments, model.loss_weights, len(model.classes), end.n_frames, end.n_mels
        )
        network.load_state_dict(tensors(weights))
    except (TypeError, ValueError, IndexError, RuntimeError, SafetensorError) as error:
        problem = str(error).partition("\n")[0]
        raise DataError(
            f"{path}: weights and network '{model.network}' do not fit ({problem}); it was written by sedrepro "
            f"{model.sedrepro}, this is {__version__}"
        ) from error
    return network.eval()
