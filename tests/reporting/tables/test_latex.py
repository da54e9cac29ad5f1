"""Tables as LaTeX: structure here; they are compiled where a TeX engine is installed."""

import re
import shutil
import subprocess

import pytest
from examples import LAYOUT, cell, run

from sedrepro.experiments.configuration import load_config
from sedrepro.experiments.papers import load_paper, paper_names
from sedrepro.experiments.table_layout import TableLayout
from sedrepro.published.cells import read_cells, read_text_cells
from sedrepro.published.needs import cells_file
from sedrepro.reporting.tables.latex import PACKAGES, to_latex
from sedrepro.reporting.tables.numbers import fill
from sedrepro.reporting.tables.text import CodeText, fill_text

ODD = r"100 % & $1 # a_b {c} \d ~ ^ <e> |f| [g] α ± ✗ ↑"


def body(latex):
    """The rows between the rules, without commands of spacing."""
    between = latex.split("\\midrule")[1].split("\\bottomrule")[0]
    return [line for line in between.splitlines() if line and line != "\\addlinespace"]


def cells_of(line):
    return [part.strip() for part in re.split(r"(?<!\\)&", line.removesuffix("*").removesuffix("\\\\"))]


def test_ours_stands_above_the_published_value(table):
    assert [cells_of(line) for line in body(to_latex(table, LAYOUT))] == [
        ["GAP", r"\textbf{0.7100} $\pm$ 0.0141\textsuperscript{a}", r"0.5100 $\pm$ 0.0141\textsuperscript{a}"],
        ["", r"$\bullet$ \textit{0.7000}", r"$\circ$ \textit{0.6000}"],
        ["GMP", r"0.6100 $\pm$ 0.0141\textsuperscript{b}", r"\textbf{0.5250} $\pm$ 0.0071\textsuperscript{a}"],
        ["", r"\textit{--}", r"$\odot$ \textit{0.5000}"],
    ]


def test_the_header_has_two_levels_with_a_rule_below_each_group(table):
    latex = to_latex(table, LAYOUT)
    header = latex.split("\\toprule")[1].split("\\midrule")[0].strip("\n").splitlines()
    assert header == [
        r" & \multicolumn{1}{c}{SNR 10 dB} & \multicolumn{1}{c}{SNR 0 dB} \\",
        r"\cmidrule(lr){2-2}\cmidrule(lr){3-3}",
        r"network & micro-p & micro-p \\",
    ]
    assert r"\begin{tabular}{lcc}" in latex


def test_title_scale_and_notes_are_told(table):
    latex = to_latex(table, LAYOUT)
    assert r"\caption{Table 9. Pooling. Full scale, 2 runs per cell.}" in latex
    assert r"\textsuperscript{a}verdict from 2 runs" in latex
    assert r"\textsuperscript{b}none printed" in latex
    assert latex.startswith("% \\usepackage{" + ",".join(PACKAGES))


def test_the_caption_leaves_the_number_to_latex(table):
    latex = to_latex(table, LAYOUT.model_copy(update={"title": "Table 2: performance of poolings"}))
    assert r"\caption{Performance of poolings (Table 2 of the paper). Full scale, 2 runs per cell.}" in latex


def test_every_sign_that_latex_reads_otherwise_is_escaped():
    latex = to_latex(fill([cell(label=ODD, note=ODD), cell(label="x")], [run()], "full"), LAYOUT)
    assert latex.isascii()
    shown = r"100 \% \& \$1 \# a\_b \{c\} \textbackslash{}d \textasciitilde{} \textasciicircum{} \textless{}e"
    assert latex.count(shown) == 2  # label and note


def test_a_quoted_system_has_only_the_published_line():
    quoted = cell(system="", variant="", label="Others")
    lines = [cells_of(line) for line in body(to_latex(fill([quoted, cell()], [run()], "full"), LAYOUT))]
    assert lines[0][1] == "" and lines[1][1].startswith(r"\textit{0.7}")


def test_texts_have_a_row_each_and_break_over_pages():
    cells = [cell("definition", "y = a_1", label="Max"), cell("weight", "", label="Max")]
    layout = TableLayout(title="Texts", kind="text", rows=["model"], columns=["metric"])
    table = fill_text(cells, [CodeText("y = a", "reproduced"), CodeText("none", "no published value")], "full")
    latex = to_latex(table, layout)
    assert [cells_of(line) for line in body(latex.replace("\\bottomrule\n\\endfoot", ""))][1:3] == [
        ["Max", "definition", "y = a", r"$\bullet$ \textit{y = a\_1}"],
        ["Max", "weight", "none", r"\textit{--}"],
    ]
    assert "longtable" in latex and "Upper line" not in latex


def published():
    """Every table of the papers, without runs."""
    config = load_config("miniature")
    for paper in (load_paper(name, config) for name in paper_names()):
        for name, layout in paper.settings.tables.items():
            if layout.kind == "numbers":
                yield to_latex(fill(read_cells(cells_file(paper, name)), [], "full"), layout)
            elif layout.kind == "text":
                cells = read_text_cells(cells_file(paper, name))
                yield to_latex(fill_text(cells, [CodeText(c.published, "reproduced") for c in cells], "full"), layout)


def test_every_published_table_is_balanced_and_plain():
    for latex in published():
        assert latex.isascii(), set(re.findall(r"[^\x00-\x7f]", latex))
        bare = re.sub(r"\\[{}\\]", "", latex)
        assert bare.count("{") == bare.count("}")
        begun, ended = (re.findall(rf"\\{word}{{(\w+)}}", latex) for word in ("begin", "end"))
        assert sorted(begun) == sorted(ended) != []
        if shape := re.search(r"\\begin{tabular}{(\w+)}", latex):
            assert {len(cells_of(line)) for line in body(latex)} == {len(shape[1])}


@pytest.mark.skipif(not shutil.which("pdflatex"), reason="no TeX engine is installed")
def test_every_published_table_compiles(tmp_path):
    head = f"\\documentclass{{article}}\\usepackage{{{','.join(PACKAGES)}}}\\begin{{document}}"
    text = "\\clearpage\n".join([head, *published(), "\\end{document}"])
    (tmp_path / "all.tex").write_text(text, encoding="utf-8")
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "all.tex"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, errors="replace")
    assert done.returncode == 0, done.stdout[-2000:]
