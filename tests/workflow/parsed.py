"""The rules of the workflow as Snakemake parses them, and what their jobs would read: no process, nothing is run."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from snakemake.api import SnakemakeApi
from snakemake.settings.types import ConfigSettings, OutputSettings, ResourceSettings

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Depends:
    """What a job reads, by which Snakemake decides whether it runs again."""

    inputs: tuple[str, ...]
    params: Mapping[str, Any]


def jobs_of(config: Mapping[str, Any], jobs: Mapping[str, tuple[str, Mapping[str, str]]]) -> dict[str, Depends]:
    """What jobs, each a rule and its wildcards, depend on under a configuration."""
    with SnakemakeApi(OutputSettings()) as api:
        parsed = api.workflow(
            resource_settings=ResourceSettings(cores=1),
            config_settings=ConfigSettings(config=dict(config)),
            snakefile=ROOT / "Snakefile",
        )
        return {name: _depends(parsed._workflow.get_rule(rule), given) for name, (rule, given) in jobs.items()}


def _depends(rule: Any, wildcards: Mapping[str, str]) -> Depends:
    inputs = rule.expand_input(dict(wildcards))[0]
    job = SimpleNamespace(threads=1, resources={}, wildcards=wildcards, rule=rule)
    params = rule.expand_params(dict(wildcards), inputs, rule.expand_output(dict(wildcards))[0], job)[0]
    return Depends(tuple(map(str, inputs)), dict(params.items()))
