from examples import LAYOUT

from sedrepro.reporting.tables.markdown import to_markdown


def test_markdown_is_a_table_with_the_same_contents(table):
    lines = to_markdown(table, LAYOUT).splitlines()
    assert lines[0] == "**Table 9. Pooling** Full scale, 2 runs per cell."
    assert lines[2:6] == [
        "| network | SNR 10 dB<br>micro-p | SNR 0 dB<br>micro-p |",
        "| :-- | :-: | :-: |",
        "| GAP | **0.7100** ± 0.0141<sup>a</sup><br>● *0.7000* | 0.5100 ± 0.0141<sup>a</sup><br>○ *0.6000* |",
        "| GMP | 0.6100 ± 0.0141<sup>b</sup><br>– | **0.5250** ± 0.0071<sup>a</sup><br>◐ *0.5000* |",
    ]
