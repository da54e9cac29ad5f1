"""How a kind of table is shown."""

from sedrepro.experiments.table_layout import TableLayout
from sedrepro.reporting.tables.grid import Grid
from sedrepro.reporting.tables.number_grid import NumberGrid
from sedrepro.reporting.tables.text_grid import ClaimGrid, TextGrid
from sedrepro.reporting.tables.tidy import FilledTable

KINDS: dict[str, type[Grid]] = {"numbers": NumberGrid, "text": TextGrid, "claims": ClaimGrid}


def grid_of(table: FilledTable, layout: TableLayout) -> Grid:
    """The grid of a table, of numbers, texts or claims as its layout says.

    Raises:
        SettingsError: table and layout do not fit (names the column).
    """
    return KINDS[layout.kind](table, layout)
