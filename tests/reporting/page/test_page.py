"""The results page: what it says, and that it is whole, accessible and self-contained."""

import base64
import re
from collections import Counter
from dataclasses import replace
from itertools import pairwise
from urllib.parse import unquote

import pandas as pd
import pytest
from page_example import NASTY, OUTCOMES, PAPER, SVG, claim, configured, fill_results, parsed, png, write_rows

from sedrepro.base.errors import DataError
from sedrepro.base.words import counted
from sedrepro.experiments.papers import load_paper, paper_names
from sedrepro.experiments.table_layout import SCALES
from sedrepro.reporting.claims.claims_file import COLUMNS as CLAIM_COLUMNS
from sedrepro.reporting.colours import DARK, LIGHT
from sedrepro.reporting.page.data import read_results
from sedrepro.reporting.page.digest import digest_of_claims
from sedrepro.reporting.page.page import write_page


@pytest.fixture(scope="module")
def config(tmp_path_factory):
    config = configured(tmp_path_factory.mktemp("page"))
    fill_results(config)
    return config


@pytest.fixture(scope="module")
def path(config):
    return write_page(config)


@pytest.fixture(scope="module")
def root(path):
    return parsed(path)


def said(element) -> str:
    return " ".join("".join(element.itertext()).split())


def words(element) -> str:
    """Its text, cells apart from each other."""
    return " ".join(" ".join(element.itertext()).split())


def by_id(root, name):
    return next(element for element in root.iter() if element.get("id") == name)


def links(root) -> list[str]:
    return [element.get("href") for element in root.iter("a")]


# --- the whole


def test_it_says_first_what_it_is_at_which_scale(root, path, config):
    assert path == config.results_dir / "full" / "index.html"
    head = said(by_id(root, "top"))
    assert "full scale" in head
    assert SCALES["full"] in head
    assert f"Papers: 1 of {len(paper_names())}. " in head
    assert "Claims: 4. Figures: 1. Runs: 2." in head
    (found,) = read_results(config, [PAPER])
    assert f"Tables: {len(set(found.tables) - set(found.claim_tables))}, with " in head


def test_smaller_scales_carry_their_warning(config, tmp_path):
    small = config.model_copy(update={"scale": "miniature", "results_dir": tmp_path})
    head = said(by_id(parsed(write_page(small)), "top"))
    assert "not a reproduction" in head
    assert "“not comparable”" in head


def test_a_page_of_nothing_names_all_that_is_missing(config, tmp_path):
    root = parsed(write_page(config.model_copy(update={"results_dir": tmp_path})))
    for name in paper_names():
        section = said(by_id(root, name))
        settings = load_paper(name, config).settings
        assert f"make results SCALE=full PAPER={name}" in section
        for missing in (*settings.tables, *settings.figures):
            assert missing in section


def test_the_summary_counts_what_the_tables_hold(root, config):
    (found,) = read_results(config, [PAPER])
    layouts = found.paper.settings.tables
    numbers = [name for name, layout in layouts.items() if layout.kind == "numbers"]
    counted = Counter(cell["verdict"] for name in numbers for cell in found.cells[name])
    title = found.paper.settings.about.title
    row = next(row for row in by_id(root, "summary").iter("tr") if title in said(row))
    for verdict, number in counted.items():
        assert f"{verdict}: {number}" in said(row)
    for outcome in OUTCOMES:
        assert f"{outcome}: 1" in said(row)
    assert "dcase2017_task4: 50 of 60" in said(row)
    assert "3 min 1 s" in said(row)  # two runs of 90.5 s
    assert "400 MiB" in said(row)


def test_the_matrix_leads_to_every_table_and_figure_that_is_there(root, config):
    (found,) = read_results(config, [PAPER])
    matrix = next(table for table in root.iter("table") if table.get("class") == "matrix")
    chips = {link.get("href"): words(link) for link in matrix.iter("a") if link.get("class") == "chip"}
    names = [*(name for name in found.tables if name not in found.claim_tables), *found.figures, "claims"]
    assert set(chips) == {f"#{PAPER}-{name}" for name in names}
    assert chips[f"#{PAPER}-table2"].startswith("Table 2 ")
    counted = Counter(cell["verdict"] for cell in found.cells["table2"])
    for verdict in ("reproduced", "close", "differs"):
        assert re.search(rf"\b{counted[verdict]} \S {verdict}", chips[f"#{PAPER}-table2"])
    assert "3 runs, ± 25.0 %, 3 min 1 s" in chips[f"#{PAPER}-table2"]
    missing = [said(chip) for chip in matrix.iter("span") if (chip.get("class") or "") == "chip absent"]
    assert all("not made" in chip for chip in missing)


def test_claims_are_told_in_numbers_of_tests_and_of_claims(config):
    (found,) = read_results(config, [PAPER])
    outcomes = ("holds by construction", "holds by construction", "undecided", "fails")
    tests = [claim(PAPER, outcome, metric=str(place)) for place, outcome in enumerate(outcomes)]
    said_of = digest_of_claims(replace(found, claims=tests)).verdict
    assert said_of.startswith(f"4 tests of {counted(len({one['id'] for one in tests}), 'claim')}, over ")
    for words_of in ("2 hold by construction", "1 undecided", "1 fails"):
        assert words_of in said_of
    assert said_of.endswith(". 1 of 2 that runs can decide are decided.")
    tests[2]["too_small"] = "yes"
    said_of = digest_of_claims(replace(found, claims=tests)).verdict
    assert said_of.endswith("; not decided: 1, of which 1 with a printed difference smaller than these runs show.")
    tests[2] |= {"too_small": "", "below_print": "yes"}
    said_of = digest_of_claims(replace(found, claims=tests)).verdict
    assert said_of.endswith("; not decided: 1, of which 1 ahead by less than in print, if at all.")
    nothing = digest_of_claims(replace(found, claims=[test for test in tests if test["outcome"] != "fails"])).verdict
    assert "decided are" not in nothing and "can decide" not in nothing


def test_a_table_begins_with_the_answer(root, config):
    part = by_id(root, f"{PAPER}-table2")
    answer = {said(row.find("dt")): said(row.find("dd")) for row in part.find("dl").iter("div")}
    assert list(answer) == ["Reproduced?", "Scale", "Runs", "Spread", "Cost", "Rerun"]
    assert answer["Reproduced?"].startswith("Reproduced in part. Of 42 compared cells: 14 reproduced, 14 close")
    assert answer["Scale"] == SCALES["full"]
    assert answer["Runs"] == "3 runs per cell"
    assert "25.0 % of the mean" in answer["Spread"]
    assert answer["Cost"].startswith("2 runs in 3 min 1 s")
    assert answer["Rerun"].startswith(f"make results SCALE=full PAPER={PAPER} TARGET=")


# --- a paper


def test_claims_stand_by_outcome_and_are_folded(root):
    part = by_id(root, f"{PAPER}-claims")
    groups = [group for group in part.iter("details") if group.get("class") == "claim-group"]
    assert [words(group.find("summary")) for group in groups] == [
        *("● holds : 1 claim", "○ fails : 1 claim", "◐ undecided : 1 claim", "· cannot be tested : 1 claim"),
    ]
    assert all(group.get("open") is None for group in groups)


def test_a_claim_stands_with_its_outcome_and_the_support_of_the_print(root):
    items = [item for item in root.iter("li") if "claim" in (item.get("class") or "").split()]
    assert len(items) == len(OUTCOMES)
    for item, outcome in zip(items, OUTCOMES, strict=True):
        assert outcome in said(item)
        assert "The published tables do not support this claim (Table 2 prints the contrary). Note: a note" in words(
            item
        )
    assert f"fails: {NASTY}" in said(by_id(root, PAPER))


def test_rows_of_one_claim_stand_together(config, tmp_path):
    other = config.model_copy(update={"results_dir": tmp_path})
    rows = [claim(PAPER, "holds", metric=metric) for metric in ("segment_f1", "segment_error_rate")]
    write_rows(tmp_path / "full" / "claims.csv", CLAIM_COLUMNS, rows)
    (item,) = by_id(parsed(write_page(other)), PAPER).findall(".//ul[@class='claim-list']/li")
    assert said(item).count(NASTY) == 2  # the claim and its quote
    assert len(item.findall("ul/li")) == 2


def test_claims_of_a_paper_that_claims_csv_lacks_are_read_from_its_tables(config, tmp_path):
    other = config.model_copy(update={"results_dir": tmp_path})
    record = {source: "" for source in CLAIM_COLUMNS.values()} | {"claim": "Linear is best", "verdict": "undecided"}
    record |= {"runs": "3", "table": "Abstract", "mean": "0.5 against 0.4", "support": "yes"}
    path = tmp_path / "full" / PAPER / "tables" / "claims.csv"
    write_rows(path, list(record), [record])
    write_rows(tmp_path / "full" / "claims.csv", CLAIM_COLUMNS, [claim("another paper", "holds")])
    root = parsed(write_page(other))
    text = words(by_id(root, PAPER))
    assert "Linear is best (Abstract) ◐ undecided : 0.5 against 0.4 The published tables support this claim." in text
    assert "undecided: 1" in said(by_id(root, "summary"))
    assert f"{PAPER}/tables/claims.csv" in links(root)


def test_every_table_is_there_with_its_cells_one_by_one(root, config):
    (found,) = read_results(config, [PAPER])
    for name, cells in found.cells.items():
        part = by_id(root, f"{PAPER}-{name}")
        rows = [row for row in part.iter("tr") if "cell" in (row.get("class") or "").split()]
        assert len(rows) == len(cells)
        assert f"TARGET={found.folder / 'tables' / name}.csv" in said(part)
        for row, cell in zip(rows, cells, strict=True):
            assert cell["rerun"] in words(row)
            if cell["mean"] == "0.5":
                assert "0.5 ± 0.125 0.25 to 0.75 3" in words(row)


def test_a_table_says_on_which_data_its_runs_stand_as_its_own_page_does(config, tmp_path):
    other = config.model_copy(update={"results_dir": tmp_path})
    fill_results(other)
    path = tmp_path / "full" / PAPER / "tables" / "table2.csv"
    table = pd.read_csv(path, dtype=str, keep_default_na=False)
    table["data"] = ["some_set 80 of 90 clips (fingerprint ffffffff)"] + [""] * (len(table) - 1)
    table.to_csv(path, index=False)
    line = "Data: some_set 80 of 90 clips (fingerprint ffffffff)."
    root = parsed(write_page(other))
    assert line in said(by_id(root, f"{PAPER}-table2"))
    assert line not in said(by_id(root, f"{PAPER}-table3"))


def test_settings_that_the_paper_does_not_state_are_there_with_their_reasons(root, config):
    text = said(by_id(root, PAPER))
    for key, origin in load_paper(PAPER, config).provenance.items():
        if key.rpartition(".")[2] in ("label", "network"):  # names, not readings of the paper
            assert f"{key} = " not in text
        elif origin.source != "paper":
            assert f"{key} = " in text
            assert " ".join(origin.reason.split()) in text


def test_cost_data_and_fingerprints_are_there(root):
    text = words(by_id(root, PAPER))
    assert "2 runs took 3 min 1 s in total" in text
    assert "12,345" in text
    assert "dcase2017_task4 testing 60" in text
    assert "f" * 16 in text
    assert "e" * 16 in text


def test_the_sweep_is_a_section_of_its_own_where_there_is_one(root, config, tmp_path):
    assert "hysteresis" in said(by_id(root, "post-processing"))
    empty = parsed(write_page(config.model_copy(update={"results_dir": tmp_path})))
    assert "#post-processing" not in links(empty)


@pytest.mark.parametrize("with_svg", [True, False])
def test_a_figure_is_its_svg_where_there_is_one(config, tmp_path, with_svg):
    other = config.model_copy(update={"results_dir": tmp_path})
    fill_results(other)
    picture = tmp_path / "full" / PAPER / "figures" / "figure5.png"
    picture.write_bytes(png(8, 4))
    if not with_svg:
        picture.with_suffix(".svg").unlink()
    (image,) = parsed(write_page(other)).iter("img")
    kind, _, data = image.get("src").partition(";base64,")
    assert base64.b64decode(data) == (SVG.encode() if with_svg else picture.read_bytes())
    assert kind == ("data:image/svg+xml" if with_svg else "data:image/png")
    assert image.get("alt").startswith("Figure 5")


@pytest.mark.parametrize(
    ("file", "text"),
    [
        (f"{PAPER}/tables/table1.csv", "nothing of use\n"),
        (f"{PAPER}/coverage.csv", "data_set\n"),
        ("claims.csv", "paper\n"),
        (f"{PAPER}/runs/s/v/fold0/seed1/environment.json", "{"),
    ],
)
def test_a_damaged_file_is_named(config, tmp_path, file, text):
    path = tmp_path / "full" / file
    path.parent.mkdir(parents=True)
    path.write_text(text)
    with pytest.raises(DataError, match=re.escape(path.name)):
        write_page(config.model_copy(update={"results_dir": tmp_path}))


def test_a_number_that_is_none_names_its_table(config, tmp_path):
    other = config.model_copy(update={"results_dir": tmp_path})
    fill_results(other)
    path = tmp_path / "full" / PAPER / "tables" / "table2.csv"
    path.write_text(path.read_text().replace("0.125", "much"))
    with pytest.raises(DataError, match=r"table2\.csv.*much"):
        write_page(other)


def test_a_table_without_a_row_is_named(config, tmp_path):
    other = config.model_copy(update={"results_dir": tmp_path})
    fill_results(other)
    path = tmp_path / "full" / PAPER / "tables" / "table2.csv"
    path.write_text(path.read_text().splitlines()[0] + "\n")
    with pytest.raises(DataError, match=rf"{path}: has no row; write the table again"):
        write_page(other)


# --- as a page


def test_ids_are_unique(root):
    ids = Counter(element.get("id") for element in root.iter() if element.get("id"))
    assert [name for name, times in ids.items() if times > 1] == []


def test_every_link_leads_somewhere(root, path):
    ids = {element.get("id") for element in root.iter()}
    targets = links(root)
    assert any(not target.startswith(("#", "http")) for target in targets)
    for target in targets:
        if target.startswith("#"):
            assert target[1:] in ids
        elif not target.startswith("http"):
            assert (path.parent / unquote(target)).is_file()


def test_nothing_comes_from_outside_but_links_to_the_papers(root, path, config):
    urls = {load_paper(name, config).settings.about.url for name in paper_names()}
    assert {target for target in links(root) if target.startswith("http")} == urls
    assert [tag for tag in ("link", "iframe", "object", "embed", "base") if root.find(f".//{tag}") is not None] == []
    for element in root.iter():
        for name in ("src", "srcset", "data", "action", "poster"):
            assert (element.get(name) or "data:").startswith("data:")
    style_and_script = "".join(said(element) for tag in ("style", "script") for element in root.iter(tag))
    assert not re.search(r"https?:|@import|url\(|fetch|XMLHttpRequest", style_and_script)
    assert "prefers-color-scheme: dark" in path.read_text(encoding="utf-8")


def test_headings_go_down_step_by_step(root):
    levels = [int(element.tag[1]) for element in root.iter() if re.fullmatch(r"h[1-6]", element.tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))


def test_landmarks_tables_and_buttons_have_names(root):
    assert [len(list(root.iter(tag))) for tag in ("header", "main", "footer")] == [1, 1, 1]
    named = {element.get("id"): said(element) for element in root.iter() if element.get("id")}
    assert all(nav.get("aria-label") for nav in root.iter("nav"))
    for section in root.iter("section"):
        assert named[section.get("aria-labelledby")]
    for table in root.iter("table"):
        assert table.find("caption") is not None
        assert all(head.get("scope") for head in table.iter("th"))
    assert all(image.get("alt") for image in root.iter("img"))
    assert all(said(label) and label.find("input") is not None for label in root.iter("label"))
    assert root.get("lang") == "en"


def test_no_mark_stands_without_its_word(root):
    """What colours tell is told by words, too."""
    for element in root.iter():
        for child in element:
            if child.get("class") == "mark" and child.get("aria-hidden"):
                assert re.search(r"\w", child.tail or "")


def luminance(colour: str) -> float:
    """Relative luminance of #rrggbb (WCAG 2)."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])
def test_everything_written_stands_out_from_the_ground(theme):
    colours = dict(re.findall(r"--(\w+): (#\w{6});", theme))
    ground = luminance(colours.pop("paper"))
    del colours["hair"], colours["rule"]  # lines, no text
    assert len(colours) == 6
    for colour in colours.values():
        lower, higher = sorted((luminance(colour), ground))
        assert (higher + 0.05) / (lower + 0.05) >= 4.5  # level AA
