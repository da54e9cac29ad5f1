"""Style and script of the results page, beside the style of its tables.

The page works without the script, which only remembers the chosen theme.
"""

from collections.abc import Iterable

from sedrepro.reporting.tables.html import DARK, LIGHT, css_class

PAGE_STYLE = (
    f"""
:root {{ scroll-padding-top: 1rem; }}
:root:has(#theme-light:checked) {{ color-scheme: light; {LIGHT} }}
:root:has(#theme-dark:checked) {{ color-scheme: dark; {DARK} }}
@media print {{ :root, :root:has(#theme-dark:checked) {{ color-scheme: light; {LIGHT} }} }}
"""
    + """
header, main, footer { max-width: 72rem; margin: 0 auto; }
h1 { font-size: 1.7rem; line-height: 1.2; margin: 0 0 .5rem; }
h2 { font-size: 1.3rem; line-height: 1.25; margin: 0 0 .4rem; }
h3 { font-size: 1.05rem; margin: 1.8rem 0 .6rem; }
h1, h2, h3, p, li, dd, code { overflow-wrap: anywhere; }
p { margin: 0 0 .6rem; max-width: 46rem; }
a { color: var(--reproduced); text-underline-offset: .15em; }
:is(a, summary, input):focus-visible { outline: 2px solid var(--reproduced); outline-offset: 3px; }
.skip { position: absolute; left: -100vw; } .skip:focus { position: static; }
main > section { border-top: 2px solid var(--rule); margin-top: 2.5rem; padding-top: 1.2rem; }
main figure { margin: 0 0 .6rem; }
.part { margin-bottom: 2.2rem; } main .scroll { margin-bottom: .6rem; }
.warning { border-left: .3rem solid var(--differs); padding: .4rem .8rem; margin: 0 0 1rem; }
.warning p:last-child { margin: 0; }
.quiet, .back { color: var(--quiet); font-size: .9em; }
.counts { white-space: nowrap; display: block; }
nav ul, .links { list-style: none; padding: 0; margin: 0 0 1rem; display: flex; flex-wrap: wrap; gap: .3rem 1rem; }
.controls { display: flex; flex-wrap: wrap; gap: .6rem 1.5rem; margin: 0 0 1rem; }
fieldset { border: 1px solid var(--hair); border-radius: .3rem; padding: .2rem .7rem .4rem; margin: 0; min-width: 0; }
fieldset label { display: inline-block; margin-right: .9rem; padding: .15rem 0; }
legend { color: var(--quiet); font-size: .9em; }
details { margin: .3rem 0; }
summary { cursor: pointer; padding: .15rem 0; }
details > :not(summary) { margin-top: .5rem; }
pre { margin: 0 0 .6rem; padding: .5rem .7rem; border: 1px solid var(--hair); border-radius: .3rem; font-size: .86rem;
  white-space: pre-wrap; overflow-wrap: anywhere; max-width: 60rem; }
:is(th, td) code { font-size: .9em; overflow-wrap: normal; }
.list th, .list td { vertical-align: top; text-align: left; }
.list tbody th { white-space: normal; min-width: 7rem; } details .list tbody th { min-width: 12rem; }
:is(.reasons, details .list) td:last-child { white-space: normal; min-width: 18rem; }
.claim-list { padding-left: 0; list-style: none; max-width: 60rem; }
.claim-list > li { border-top: 1px solid var(--hair); padding: .5rem 0; }
.claim-list ul { list-style: none; padding-left: 1rem; }
.claim-list li.claim { margin: .4rem 0; } li.claim p + p { color: var(--quiet); }
.claim-list p { margin: 0 0 .2rem; max-width: none; }
.outcome { font-weight: 700; }
blockquote { margin: .3rem 0; padding-left: .7rem; border-left: 2px solid var(--hair); color: var(--quiet); }
.settings li { margin-bottom: .5rem; } .settings ul { padding-left: 1.1rem; max-width: 60rem; }
.picture { background: #ffffff; padding: .5rem; display: block; width: 44rem; max-width: none; height: auto; }
@media (min-width: 50rem) { .picture { width: auto; max-width: 100%; } }
@media (max-width: 40rem) { h1 { font-size: 1.4rem; } h2 { font-size: 1.15rem; } fieldset { width: 100%; } }
@media print {
  .picture { width: auto; max-width: 100%; max-height: 24cm; }
  .controls, nav, .back, .skip { display: none; }
  h2, h3, caption { break-after: avoid; } tr, img, .claim-list > li { break-inside: avoid; }
  table { font-size: .75em; } th, td { padding: .2rem .25rem; white-space: normal; }
}
"""
)

SCRIPT = """
(function () {
  var key = "sedrepro-theme", buttons = document.querySelectorAll("input[name=theme]");
  function each(what) { Array.prototype.forEach.call(buttons, what); }
  try {
    var kept = localStorage.getItem(key);
    each(function (button) {
      if (button.value === kept) { button.checked = true; }
      button.addEventListener("change", function () { localStorage.setItem(key, button.value); });
    });
  } catch (error) { /* storage is refused: the theme is not kept */ }
})();
"""


def filter_style(verdicts: Iterable[str], outcomes: Iterable[str]) -> str:
    """What the radio buttons `show-<verdict>` and `claims-<outcome>` hide, without any script."""
    rules = []
    for name in map(css_class, verdicts):
        chosen = f":root:has(#show-{name}:checked)"
        rules.append(f"{chosen} td.cell:not(.{name}) > * {{ visibility: hidden; }}")
        rules.append(f"{chosen} tr.cell:not(.{name}) {{ display: none; }}")
    for name in map(css_class, outcomes):
        chosen = f":root:has(#claims-{name}:checked)"
        rules.append(f"{chosen} li.claim:not(.{name}) {{ display: none; }}")
        rules.append(f"{chosen} .claim-list > li:not(:has(.{name})) {{ display: none; }}")
    return "\n".join([*rules, ""])
