import subprocess
import sys

import pytest
from pydantic import ValidationError

from sedrepro.experiments.table_layout import TableLayout


@pytest.mark.parametrize(
    "wrong",
    [
        {"columns": []},
        {"columns": ["a", "b", "c"]},
        {"columns": ["model"]},
        {"rows": []},
        {"titel": "x"},
        {"kind": "texts"},
        {"decimals": 9},
        {"decimals_of": {"micro_ap": -1}},
    ],
)
def test_a_wrong_layout_is_refused(wrong):
    with pytest.raises(ValidationError):
        TableLayout(**({"title": "t", "rows": ["model"], "columns": ["metric"]} | wrong))


def test_settings_do_not_wait_for_pandas():
    code = "import sys, sedrepro.experiments.papers; sys.exit('pandas' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
