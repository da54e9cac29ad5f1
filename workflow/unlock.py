"""Release the lock that a killed run has left on the folder; refused while a run works in it."""

import subprocess
import sys

from progress import in_use, others_here

if running := others_here():
    sys.exit(in_use(running))
sys.exit(subprocess.call(["snakemake", "--unlock", "--quiet", "all"]))
