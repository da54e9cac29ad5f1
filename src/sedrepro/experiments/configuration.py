"""The configuration of a run of the suite: scale, folders, device, seeds, folds, and overrides of settings."""

import json
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import Field, NonNegativeInt, field_validator, model_validator

from sedrepro.base import yaml_text
from sedrepro.base.errors import SettingsError, did_you_mean
from sedrepro.base.gpus import has_cuda
from sedrepro.base.typed import Typed, load
from sedrepro.experiments.scales import REHEARSAL, SCALES, Scale

CONFIG_FOLDER = Path("config")


class Config(Typed):
    """One configuration file of `config/`, with what the command line changes."""

    scale: Scale
    data_root: Path | None = Field(default=None, description="where the official layouts lie, or shall lie")
    archives: Path | None = Field(default=None, description="where archives are downloaded to; none: in data_root")
    keep_archives: bool = Field(default=True, description="keep an archive after it is unpacked")
    mirror: str | None = Field(default=None, description="folder or URL that holds the archives, asked instead")
    manifest: Path | None = Field(default=None, description="another download manifest than the project's")
    checksums: Path = Field(default=CONFIG_FOLDER / "checksums.tsv", description="lock file of checksums")
    scenes_2018: Literal["from_2019", "official"] = Field(
        default="from_2019", description="serve the 2018 scenes from the 2019 set, or download them too"
    )
    work_dir: Path = Path("data")
    results_dir: Path = Path("results")
    papers: tuple[str, ...] = Field(default=(), description="papers to run; none: all")
    data_sets: tuple[str, ...] = Field(default=(), description="data sets that `data` prepares; none: all")
    without: tuple[str, ...] = Field(default=(), description="data sets to do without: what needs them is left out")
    folds: tuple[int, ...] = Field(min_length=1, description="held-out folds")
    seeds: tuple[NonNegativeInt, ...] = Field(min_length=1)
    device: Literal["auto", "cpu", "cuda"] = "auto"
    budget: Literal["auto", "cpu", "gpu"] = Field(default="auto", description="which reduction the scale takes")
    mixed_precision: Literal["off", "bfloat16", "float16"] = "off"
    tf32: bool = Field(default=False, description="allow TF32 in convolutions and products on the GPU")
    on_cpu: bool = Field(default=False, description="train at scale full without a GPU")
    gpu_memory_mib: int | None = Field(
        default=None, gt=0, description="GPU memory reserved for every run; none: what was counted for it, or measured"
    )
    frame_scores: bool = Field(default=False, description="store frame scores beside clip scores")
    miniature_seed: int = 0
    share: float = Field(default=1, gt=0, le=1, description="of the official number of clips that a rehearsal has")
    set: dict[str, dict[str, Any]] = Field(default_factory=dict, description="overrides: {paper: {dotted key: value}}")

    @field_validator("papers", "data_sets", "without", "folds", "seeds")
    @classmethod
    def _no_entry_twice(cls, entries: tuple) -> tuple:
        if len(dict.fromkeys(entries)) < len(entries):
            raise ValueError("an entry is listed twice")
        return entries

    @field_validator("mirror")
    @classmethod
    def _mirror_can_be_asked(cls, mirror: str | None) -> str | None:
        if mirror and "://" in mirror and not mirror.startswith(("http://", "https://")):
            raise ValueError("only http and https addresses are allowed")
        if mirror and "://" not in mirror and not Path(mirror).expanduser().is_dir():
            raise ValueError("no such folder")
        return mirror

    @model_validator(mode="after")
    def _only_a_rehearsal_has_a_share(self) -> "Config":
        if self.share != 1 and self.scale != REHEARSAL:
            raise ValueError(f"share: scale '{self.scale}' has none, only '{REHEARSAL}' has")
        return self

    @property
    def named_data_sets(self) -> tuple[str, ...]:
        """The data sets that are named one by one; none where all are meant."""
        return () if self.data_sets == ("all",) else self.data_sets

    @property
    def corpora_dir(self) -> Path:
        """Where the official layouts lie at this scale."""
        own = self.work_dir / self.scale / "corpora"
        return own if self.scale == REHEARSAL else self.data_root or own

    @property
    def archives_dir(self) -> Path:
        """Where archives are downloaded to."""
        return self.archives or self.corpora_dir / "archives"

    @property
    def receipts_dir(self) -> Path:
        """Receipts of what was put in place there; with the data, since archives may serve several data roots."""
        return self.corpora_dir / "obtained"


def read_yaml(path: Path) -> dict[str, Any]:
    """The mapping in a YAML file.

    Raises:
        SettingsError: the file is missing, is not YAML, or holds no mapping (names file and line).
    """
    try:
        values = yaml_text.parsed(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        hint = "; run it in the project's folder, or name that: --project" if path.parent == CONFIG_FOLDER else ""
        raise SettingsError(f"{path}: no such file{hint}") from error
    except OSError as error:
        raise SettingsError(f"{path}: cannot be read ({error.strerror or error})") from error
    except UnicodeDecodeError as error:
        raise SettingsError(f"{path}: is not UTF-8 text ({error.reason} at byte {error.start})") from error
    except yaml.YAMLError as error:
        raise SettingsError(f"{path}: is not valid YAML{yaml_text.problem(error)}") from error
    if not isinstance(values, dict):
        raise SettingsError(f"{path}: must hold keys and values")
    return values


def scale_file(scale: str) -> Path:
    """The configuration file of a scale.

    Raises:
        SettingsError: there is no such scale (names the nearest).
    """
    if scale not in SCALES:
        raise SettingsError(f"scale '{scale}' is unknown; {did_you_mean(scale, SCALES)}")
    return CONFIG_FOLDER / f"{scale}.yaml"


#: Where a value comes from that no file gives.
COMMAND_LINE = "command line"


def make_config(values: Mapping[str, Any], file: str, changed: Collection[str] = (), reads_data: bool = True) -> Config:
    """Validate configuration values; empty values count as not given, one value may stand for a list of one.

    `set` may also be a text as on a command line: `PAPER.KEY=VALUE PAPER.KEY=VALUE`.

    Args:
        values: the values, by key.
        file: where they come from, for errors.
        changed: the keys that the command line gives, for errors.
        reads_data: whether the folder of the data has to be there.

    Raises:
        SettingsError: a key or a value is wrong (names it and its origin), or a folder is missing.
    """

    def origin(key: str) -> str:
        if not key and changed:  # a rule across keys
            return f"{file} and the {COMMAND_LINE}"
        return COMMAND_LINE if key.split(".")[0] in changed else file

    given = {key: _listed(key, value) for key, value in values.items() if value is not None and value != ""}
    if "set" in given:
        changes = given["set"]
        given["set"] = _of_papers(changes.split()) if isinstance(changes, str) else _plain_values(changes)
    config = load(Config, given, origin)
    if reads_data and config.scale != "miniature":
        _require_data_root(config, origin("data_root"))
    return config


def _of_papers(words: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Settings of papers in words PAPER.KEY=VALUE.

    Raises:
        SettingsError: a word is none of that kind.
    """
    keys, of_papers = split_by_paper(parse_assignments(words))
    if keys:
        raise SettingsError(f"set: '{next(iter(keys))}' has no paper; write PAPER.KEY=VALUE")
    return of_papers


def split_by_paper(assigned: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, dict[str, Any]]]:
    """Keys of the configuration, and settings of papers by paper and dotted key; the latter are PAPER.KEY."""
    keys: dict[str, Any] = {}
    of_papers: dict[str, dict[str, Any]] = {}
    for key, value in assigned.items():
        paper, dot, rest = key.partition(".")
        if dot:
            of_papers.setdefault(paper, {})[rest] = value
        else:
            keys[key] = value
    return keys, of_papers


def _listed(key: str, value: Any) -> Any:
    if key not in ("papers", "data_sets", "without", "folds", "seeds"):
        return value
    if isinstance(value, str):
        return [part.strip() for part in value.split(",") if part.strip()]
    return value if isinstance(value, Sequence) else [value]


def _plain_values(value: Any) -> Any:
    """`value` with texts read as YAML: Snakemake's `--config set={...}` hands on numbers as text too."""
    if isinstance(value, Mapping):
        return {key: _plain_values(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_plain_values(inner) for inner in value]
    try:
        return yaml_text.parsed(value) if isinstance(value, str) else value
    except yaml.YAMLError:
        return value


def _require_data_root(config: Config, where: str) -> None:
    if config.scale == "recordings" and config.data_root is None:
        raise SettingsError(
            f"{where}: scale 'recordings' needs data_root, the folder that holds the recordings (make: DATA_ROOT=dir, "
            "command: --set data_root=dir)"
        )
    if config.data_root is not None and not config.data_root.is_dir():
        hint = "; create it first" if config.scale == "full" else ""
        raise SettingsError(f"{where}: data_root = {config.data_root}: no such folder{hint}")


#: Keys whose values are names of files and folders, which may well look like YAML: `2023_11`, `set #2`, `{a}`.
LITERAL = {"data_root", "archives", "mirror", "manifest", "checksums", "work_dir", "results_dir"}


def parse_assignments(assignments: Sequence[str]) -> dict[str, Any]:
    """`key=value` words of a command line; values are read as YAML, those of `LITERAL` as they stand.

    Raises:
        SettingsError: a word has no '=', or its value is no YAML.
    """
    values = {}
    for word in assignments:
        key, equals, value = word.partition("=")
        if not equals or not key:
            raise SettingsError(f"'{word}': write key=value")
        try:
            values[key] = value if key in LITERAL else yaml_text.parsed(value)
        except yaml.YAMLError as error:
            raise SettingsError(f"'{word}': the value is not valid YAML{yaml_text.problem(error)}") from error
    return values


def load_config(
    scale: str | None = None,
    path: Path | None = None,
    changes: Mapping[str, Any] | None = None,
    project: Path | None = None,
    reads_data: bool = True,
) -> Config:
    """The configuration in `path` (default: the scale's file, `config/miniature.yaml`) with `changes` applied.

    Of a `project` elsewhere come the scales' files and the lock file of checksums, and its folders `data` and `results`
    are where things lie, unless they are given. The folder of the data has to be there only for what `reads_data`.
    """
    name = scale or (changes or {}).get("scale") or "miniature"
    path = path or (project or Path()) / scale_file(name)
    values = read_yaml(path) | {key: value for key, value in (changes or {}).items() if value is not None}
    if scale is not None and values.get("scale") != scale:
        raise SettingsError(f"{path}: scale is '{values.get('scale')}', not '{scale}'")
    if project is not None:
        values = _in_project(project) | values
    return make_config(values, str(path), set(changes or {}), reads_data)


def _in_project(project: Path) -> dict[str, str]:
    """Where the files of a project lie, seen from anywhere.

    Raises:
        SettingsError: the folder is none of a project.
    """
    if not (project / CONFIG_FOLDER).is_dir():
        raise SettingsError(f"{project}: is no checkout of sedrepro, it has no folder {CONFIG_FOLDER}")
    keys = ("work_dir", "results_dir", "checksums")
    return {key: str(project.resolve() / Config.model_fields[key].default) for key in keys}


def written(config: Config) -> str:
    """A resolved configuration as YAML, keys in order, so that equal ones are written equally."""
    return yaml.safe_dump(json.loads(config.model_dump_json(exclude_none=True)), sort_keys=True)


#: Environment variable that names the folder of the project, where a command is called outside it.
PROJECT_VARIABLE = "SEDREPRO_PROJECT"
#: Environment variable that names the configuration file of a command; the workflow sets it for its jobs.
CONFIG_VARIABLE = "SEDREPRO_CONFIG"


def budget_of(config: Config) -> str:
    """Which budget a run has: as configured, else that of the device."""
    if config.budget != "auto":
        return config.budget
    if config.device == "auto":
        return "gpu" if has_cuda() else "cpu"
    return "gpu" if config.device == "cuda" else "cpu"
