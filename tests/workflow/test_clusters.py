"""What jobs ask a cluster for, and the profile for Slurm: found in the rules as Snakemake parses them."""

from types import SimpleNamespace

import pytest
import yaml
from parsed import ROOT
from snakemake.api import SnakemakeApi
from snakemake.settings.types import ConfigSettings, OutputSettings, ResourceSettings

PROFILE = yaml.safe_load((ROOT / "workflow/profiles/slurm/config.yaml").read_text(encoding="utf-8"))
#: Rules that are made by the scale: names of targets, which no job runs.
SUBMITTED = {
    *("synthesise", "survey", "features", "render_audio", "train", "pseudo_labels", "score", "examine"),
}


def rules_at(scale: str, folder):
    """The rules that run a command, by name."""
    given = {"scale": scale, "papers": "two_step_attention"}
    given |= {} if scale == "miniature" else {"data_root": str(folder)}
    with SnakemakeApi(OutputSettings()) as api:
        parsed = api.workflow(
            resource_settings=ResourceSettings(cores=1),
            config_settings=ConfigSettings(config=given),
            snakefile=ROOT / "Snakefile",
        )
        workflow = parsed._workflow
        return {rule.name: rule for rule in workflow.rules if rule.shellcmd}, set(workflow._localrules)


def asked(rule, name: str, attempt: int) -> int:
    return rule.resources[name]._evaluator(SimpleNamespace(), attempt=attempt)


@pytest.fixture(scope="module", params=["miniature", "full"])
def rules(request, tmp_path_factory):
    return request.param, *rules_at(request.param, tmp_path_factory.mktemp("data"))


def test_what_is_submitted_says_what_it_needs_and_asks_for_more_at_every_attempt(rules):
    _, found, local = rules
    submitted = set(found) - local
    assert submitted == (SUBMITTED if "synthesise" in found else SUBMITTED - {"synthesise"} | {"obtain"})
    for name in submitted:
        for resource in ("mem_mb", "runtime"):
            values = [asked(found[name], resource, attempt) for attempt in (1, 2, 3)]
            assert values[0] > 0 and values[1] == 2 * values[0] and values[2] == 3 * values[0], (name, resource)


def test_what_takes_seconds_is_not_submitted(rules):
    _, _, local = rules
    small = {"recipes", "corpus_tables", "coverage", "table", "figure", "model_cards", "sweep", "sweep_table"}
    assert small | {"comparison", "claims", "page"} <= local


def test_a_run_is_one_job_whatever_it_is_based_on():
    """The groups name every wildcard of a run, so that no two runs share one."""
    groups = PROFILE["groups"]
    assert set(groups) == {"train", "pseudo_labels", "score"}
    assert len(set(groups.values())) == 1
    for wildcard in ("paper", "system", "variant", "fold", "seed"):
        assert f"{{{wildcard}}}" in groups["train"]


def test_the_profile_replaces_nothing_that_rules_ask_for():
    """`--set-resources` of a user replaces that of a profile as a whole."""
    assert "set-resources" not in PROFILE and "set-threads" not in PROFILE
    assert PROFILE["retries"] == 2
    assert PROFILE["slurm-status-command"] == "squeue"


def test_the_plugin_is_pinned_and_brings_no_other_version_of_what_is_pinned():
    lines = (ROOT / "envs/slurm.txt").read_text(encoding="utf-8").splitlines()
    pins = dict(line.split("==") for line in lines if line and not line.startswith("#"))
    assert pins["snakemake-executor-plugin-slurm"] == "2.6.1"
    assert set(pins) == {"snakemake-executor-plugin-slurm", "snakemake-executor-plugin-slurm-jobstep"}
