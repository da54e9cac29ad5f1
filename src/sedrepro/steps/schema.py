"""Print the JSON schema of the configuration, for editors that check YAML files."""

import json

from sedrepro.experiments.configuration import Config
from sedrepro.steps.request import Request


def run(request: Request) -> None:
    """Print the schema."""
    print(schema_text(), end="")


def schema_text() -> str:
    """The schema of a configuration file."""
    return json.dumps(Config.model_json_schema(), indent=2, sort_keys=True) + "\n"
