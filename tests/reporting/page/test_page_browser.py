"""The results page in a real browser, without a network: it loads whole, fits a phone, and its buttons act."""

import html
import json
import os
import re
import shutil
import subprocess
from functools import cache

import pytest
from page_example import configured, fill_results

from sedrepro.reporting.page.page import write_page
from sedrepro.reporting.tables.marks import css_class

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "headless_shell")
BROWSER = os.environ.get("BROWSER_FOR_TESTS") or next(filter(None, map(shutil.which, BROWSERS)), None)
pytestmark = pytest.mark.skipif(BROWSER is None, reason=f"needs a browser: one of {', '.join(BROWSERS)}")

COLOUR_SCHEMES = {"dark": 0, "light": 1}
LIGHT, DARK = "rgb(255, 255, 255)", "rgb(22, 23, 24)"

#: A window of any width: headless browsers refuse one as narrow as a phone. It writes down what the page reports.
WINDOW = """<!DOCTYPE html>
<meta name="color-scheme" content="light dark">
<pre id="report"></pre>
<script>
window.addEventListener("message", function (e) { document.getElementById("report").textContent = e.data; });
</script>
<iframe src="index.html" width="{width}" height="844" style="border: 0"></iframe>
"""

#: Added to a copy of the page; it reports what it finds to the window around it.
PROBE = """
<script>
window.addEventListener("load", function () {
  function all(what) { return Array.prototype.slice.call(document.querySelectorAll(what)); }
  function shade() { return getComputedStyle(document.body).backgroundColor; }
  function choose(name) { document.getElementById(name).click(); }
  function seen(what) {
    return all(what).filter(function (e) {
      var first = e.firstElementChild || e;
      return e.getClientRects().length > 0 && getComputedStyle(first).visibility === "visible";
    }).map(function (e) { return e.className; });
  }
  var report = {};
  report.width = window.innerWidth;
  report.images = all("img").map(function (i) { return [i.complete, i.naturalWidth]; });
  report.anchors = all("a[href^='#']").filter(function (a) {
    return !document.getElementById(a.getAttribute("href").slice(1));
  }).length;
  report.from_elsewhere = performance.getEntriesByType("resource").filter(function (e) {
    return e.name.indexOf("data:") !== 0;
  }).length;
  report.closed = document.documentElement.scrollWidth;
  all("details").forEach(function (d) { d.open = true; });
  report.open = document.documentElement.scrollWidth;
  report.scrolled = all(".scroll").filter(function (s) { return s.scrollWidth > s.clientWidth; }).length;
  report.shade = shade();
  choose("theme-dark"); report.dark = shade();
  choose("theme-light"); report.light = shade();
  choose("theme-auto"); report.auto = shade();
  report.cells = seen("td.cell, tr.cell");
  choose("show-differs"); report.differing = seen("td.cell, tr.cell");
  choose("show-all");
  choose("claims-fails"); report.failing = seen("li.claim");
  choose("claims-all"); report.claims = seen("li.claim");
  report.back = seen("td.cell, tr.cell").length;
  all("details").forEach(function (d) { d.open = false; });
  window.scrollTo(0, 0);
  report.chips = all(".matrix .chips").map(function (c) { return c.getBoundingClientRect().bottom; });
  document.querySelector(".matrix a[href$='hierarchical_pooling-table2']").click();
  setTimeout(function () {
    var answer = document.querySelector("#hierarchical_pooling-table2 .answer"), place = answer.getBoundingClientRect();
    report.answer = answer.innerText;
    report.answered_at = [place.top, place.bottom];
    report.hints = all("#hierarchical_pooling-table2 .scroll").filter(function (s) {
      return s.checkVisibility();
    }).map(function (s) { return [s.classList.contains("wide"), s.scrollWidth > s.clientWidth + 1]; });
    report.copies = all("#hierarchical_pooling-table2 .answer button.copy").length;
    var field = document.getElementById("search");
    field.value = "segment_f1"; field.dispatchEvent(new Event("input"));
    report.found = seen("details.item");
    report.said = document.getElementById("found").textContent;
    field.value = ""; field.dispatchEvent(new Event("input"));
    report.all = seen("details.item").length;
    parent.postMessage(JSON.stringify(report), "*");
  }, 300);
});
</script>
</body>"""


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    folder = tmp_path_factory.mktemp("browser")
    config = configured(folder)
    fill_results(config)
    path = write_page(config)
    path.write_text(path.read_text(encoding="utf-8").replace("</body>", PROBE), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def reported(page, tmp_path_factory):
    profile = tmp_path_factory.mktemp("profile")

    @cache
    def reported(width: int, scheme: str) -> dict:
        """What the probe found, and what the console said, in a window of this width in pixels."""
        window = page.with_name(f"window{width}.html")
        window.write_text(WINDOW.replace("{width}", str(width)), encoding="utf-8")
        words = [BROWSER, "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={profile}", "--dump-dom"]
        words += ["--window-size=1400,1000", f"--blink-settings=preferredColorScheme={COLOUR_SCHEMES[scheme]}"]
        words += ["--enable-logging=stderr", "--disable-dev-shm-usage", "--virtual-time-budget=5000", window.as_uri()]
        done = subprocess.run(words, capture_output=True, text=True, timeout=120)
        found = re.search(r'<pre id="report">(.+?)</pre>', done.stdout, re.DOTALL)
        assert found, f"the page did not report: {done.stderr[-2000:]}"
        return json.loads(html.unescape(found[1])) | {"console": re.findall(r".*CONSOLE.*", done.stderr)}

    return reported


EVERYWHERE = pytest.mark.parametrize(("width", "scheme"), [(390, "light"), (390, "dark"), (1280, "light")])


@EVERYWHERE
def test_it_loads_whole_and_without_complaint(reported, width, scheme):
    report = reported(width, scheme)
    assert report["console"] == []
    assert report["from_elsewhere"] == 0
    assert report["anchors"] == 0
    assert report["images"]
    assert all(complete and natural_width > 0 for complete, natural_width in report["images"])


@EVERYWHERE
def test_it_fits_the_window_and_wide_tables_scroll_by_themselves(reported, width, scheme):
    report = reported(width, scheme)
    assert report["width"] == width
    assert report["closed"] <= width
    assert report["open"] <= width
    assert report["scrolled"] > 0


@EVERYWHERE
def test_what_is_wider_than_the_window_says_that_it_scrolls(reported, width, scheme):
    hints = reported(width, scheme)["hints"]
    assert hints
    assert all(hinted == wide for hinted, wide in hints)
    assert width > 390 or any(hinted for hinted, _ in hints)


@EVERYWHERE
def test_it_follows_the_device_and_the_theme_buttons(reported, width, scheme):
    report = reported(width, scheme)
    assert report["shade"] == report["auto"] == {"light": LIGHT, "dark": DARK}[scheme]
    assert (report["light"], report["dark"]) == (LIGHT, DARK)


def test_only_the_chosen_verdict_and_outcome_are_shown(reported):
    report = reported(1280, "light")
    kinds = {name for classes in report["cells"] for name in classes.split()}
    assert {"differs", "reproduced", css_class("suspect misprint")} <= kinds
    assert report["differing"]
    assert all("differs" in classes.split() for classes in report["differing"])
    assert report["failing"] == ["claim fails"]
    assert len(report["claims"]) == 4
    assert report["back"] == len(report["cells"])


@EVERYWHERE
def test_one_click_in_the_matrix_shows_whether_a_table_was_reproduced_from_which_runs_and_at_what_cost(
    reported, width, scheme
):
    report = reported(width, scheme)
    for words in ("Reproduced in part", "Full scale", "3 runs per cell", "25.0 % of the mean", "2 runs in 3 min 1 s"):
        assert words in report["answer"]
    top, bottom = report["answered_at"]
    assert 0 < top < bottom <= 844
    assert report["copies"] == 1


def test_search_leaves_the_parts_that_hold_the_words(reported):
    report = reported(1280, "light")
    assert report["found"]
    assert all("hit" in classes.split() for classes in report["found"])
    assert len(report["found"]) < report["all"]
    assert report["said"] == f"{len(report['found'])} parts"
