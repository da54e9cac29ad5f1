"""The picture of a table in the README: cells of a record with their verdicts, as SVG whose text stays text."""

from html import escape

from sedrepro.base.errors import DataError
from sedrepro.reporting.documents.recorded import RECORDED, rows_where

RECORD = RECORDED / "2026-11-29_recordings_cpu" / "c_ssed"
#: Parts of the picture: heading, what chooses the rows, the columns that label them, and the format of the values.
PARTS = (
    ("Table 1: where training moves frame scores", {"table": "table1"}, ("label", "condition"), ""),
    (
        "Table 2: event-based error rate",
        {"table": "table2", "metric": "event_error_rate"},
        ("pooling", "metric"),
        ".2f",
    ),
)
NAMES = {"event_error_rate": "ER"}
HEAD = ("", "", "ours", "published", "verdict")
#: Left edges of the columns, width, and height of a line, in pixels.
LEFT, WIDTH, LINE = (16, 190, 340, 450, 560), 720, 26
COLOURS = {"reproduced": "#0072b2", "close": "#9a6a00", "differs": "#c04a00"}


def table_picture() -> str:
    """The picture.

    Raises:
        DataError: the record lacks one of its tables.
    """
    lines, y = [], LINE
    for heading, wanted, labels, form in PARTS:
        lines.append(_text(LEFT[0], y, heading, weight="bold"))
        y += LINE
        lines += [_text(x, y, name, fill="#5c5c5c") for x, name in zip(LEFT, HEAD, strict=True) if name]
        lines.append(f'<line x1="{LEFT[0]}" x2="{WIDTH - LEFT[0]}" y1="{y + 8}" y2="{y + 8}" stroke="#1a1a1a"/>')
        y += LINE
        for cell in _cells(wanted):
            lines += _row(y, [NAMES.get(cell[name], cell[name]) for name in labels], cell, form)
            y += LINE
        y += LINE // 2
    title = "Cells of a recorded run: ours, published, verdict"
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {y}" width="{WIDTH}" height="{y}" role="img">'
    style = 'font-family="Helvetica, Arial, sans-serif" font-size="14"'
    body = "\n".join([f'<rect width="{WIDTH}" height="{y}" fill="#ffffff"/>', *lines])
    return f"{head}\n<title>{title}</title>\n<g {style}>\n{body}\n</g>\n</svg>\n"


def _cells(wanted: dict[str, str]) -> list[dict[str, str]]:
    cells = rows_where(RECORD / "tables.csv", wanted).to_dict("records")
    if not all(cell["published"] for cell in cells):
        raise DataError(f"{RECORD / 'tables.csv'}: a cell of {wanted['table']} in the picture has no published value")
    return cells


def _row(y: int, labels: list[str], cell: dict[str, str], form: str) -> list[str]:
    ours, published = (format(float(v), form) if form else v for v in (cell["mean"], cell["published"]))
    colour = COLOURS.get(cell["verdict"], "#5c5c5c")
    texts = [_text(x, y, value) for x, value in zip(LEFT, [*labels, ours, published], strict=False)]
    return [*texts, _text(LEFT[-1], y, cell["verdict"], fill=colour, weight="bold")]


def _text(x: int, y: int, text: str, fill: str = "#1a1a1a", weight: str = "normal") -> str:
    return f'<text x="{x}" y="{y}" fill="{fill}" font-weight="{weight}">{escape(text)}</text>'
