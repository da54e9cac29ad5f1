import subprocess
import sys

import pytest

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="Linux ends processes with their parent")

CHILD = """
import sys
from sedrepro.base.processes import end_with_the_parent
end_with_the_parent()
print("ready", flush=True)
sys.stdin.read()
print("alive")
"""


def test_a_process_ends_with_its_parent():
    shell = subprocess.Popen(
        ["bash", "-c", '"$@"; true', "parent", sys.executable, "-c", CHILD],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert shell.stdout.readline() == "ready\n"
    shell.kill()
    shell.wait()
    shell.stdin.close()
    assert shell.stdout.read() == ""
