"""Running the notebooks on the results of a scale; those in the repository are stored without outputs."""

import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from sedrepro.base.errors import DataError
from sedrepro.base.files import write_text
from sedrepro.experiments.configuration import Config
from sedrepro.experiments.places import results_folder
from sedrepro.reporting.notebooks.notebook import RESULTS, SCALE, MissingResultsError

FOLDER = Path("notebooks")
#: Seconds that a cell may take; those of the project's own take a few.
TIMEOUT = 180
#: How often a notebook is begun anew when a cell does not end: a kernel may lose a message, and then waits for ever.
ATTEMPTS = 2


def run_notebooks(config: Config, log: Callable[[str], None] = print) -> list[Path]:
    """Run the notebooks of the chosen papers, or all, and write them with outputs to `results/<scale>/notebooks`.

    Raises:
        DataError: there is no notebook to run, or a cell fails (names the notebook and says why).
    """
    chosen = [path for path in sorted(FOLDER.glob("*.ipynb")) if not config.papers or path.stem in config.papers]
    if not chosen:
        raise DataError(f"{FOLDER}: holds no notebook of {', '.join(config.papers) or 'any paper'}")
    written = []
    for path in chosen:
        written.append(results_folder(config) / FOLDER.name / path.name)
        write_text(written[-1], run_notebook(path, config))
        log(f"{path}: {written[-1]}")
    return written


def run_notebook(path: Path, config: Config) -> str:
    """The text of a notebook with the outputs that it has on the results of the configuration.

    Raises:
        DataError: a cell fails, or does not end in time in any attempt (names the notebook and says why).
    """
    from nbclient.exceptions import CellTimeoutError, DeadKernelError

    for _ in range(ATTEMPTS):
        try:
            return _run_once(path, config)
        except (CellTimeoutError, DeadKernelError):
            continue
    raise DataError(
        f"{path}: a cell has not ended after {TIMEOUT} s, or its kernel died, {ATTEMPTS} times; run the notebook by "
        "hand to see where"
    )


def _run_once(path: Path, config: Config) -> str:
    import nbformat
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError

    notebook = nbformat.read(path, as_version=4)
    client = NotebookClient(
        notebook,
        timeout=TIMEOUT,
        resources={"metadata": {"path": str(path.parent)}},
        extra_arguments=["--log-level=ERROR"],  # or each kernel warns that it talks without encryption, which is local
    )
    with _environment(config) as variables:
        try:
            client.execute(env=variables)
        except CellExecutionError as error:
            known = error.ename == MissingResultsError.__name__
            raise DataError(f"{path}: {error.evalue if known else f'{error.ename}: {error.evalue}'}") from error
    return nbformat.writes(notebook)


@contextmanager
def _environment(config: Config) -> Iterator[dict[str, str]]:
    """What a kernel's process sees: scale and results, and a folder of its own for what IPython writes at home."""
    with tempfile.TemporaryDirectory() as home:
        yield os.environ | {SCALE: config.scale, RESULTS: str(config.results_dir.resolve()), "IPYTHONDIR": home}
