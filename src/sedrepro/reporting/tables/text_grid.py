"""Tables of texts and of claims: ours above the paper's words."""

from sedrepro.experiments.table_layout import SCALES
from sedrepro.reporting.tables.grid import NOT_AVAILABLE, Grid, Record
from sedrepro.reporting.tables.marks import mark_meanings


class TextGrid(Grid):
    """A table of texts: what the suite's code says, below it what is printed."""

    def ours(self, record: Record) -> tuple[str, str]:
        """Our text; there is no deviation."""
        return record["mean"], ""

    def published(self, record: Record) -> str:
        """The text as printed."""
        return NOT_AVAILABLE if record["verdict"] == "not available" else record["published"]

    def quoted(self, record: Record) -> bool:
        """Never: there are no runs to be without."""
        return False

    def about(self, record: Record) -> str:
        """The verdict."""
        return record["verdict"]

    def caption(self) -> str:
        """Where the texts come from."""
        return f"Generated from the suite's code at {self.scale} scale."

    def reading(self) -> str:
        """How a cell is read."""
        return "Upper line: what the suite's code says; lower line: as printed."

    def legend(self) -> list[str]:
        """How a cell is read, and the note of the layout."""
        return [self.reading(), *filter(None, [self.not_available(), self.layout.note])]

    def marked_verdicts(self) -> dict[str, str]:
        """What each mark stands for, by verdict."""
        return mark_meanings({record["verdict"] for record in self.cells.values()})


class ClaimGrid(TextGrid):
    """A table of claims: our outcome with our numbers, below it what the paper says."""

    runs_per = "system"

    def ours(self, record: Record) -> tuple[str, str]:
        """Outcome and numbers; there is no deviation."""
        return f"{record['verdict']}: {record['mean']}", ""

    def caption(self) -> str:
        """The scale and the number of runs."""
        return Grid.caption(self)

    def reading(self) -> str:
        """How a cell is read."""
        return "Upper line: outcome and our means ± sample standard deviation (runs); lower line: the paper's words."

    def legend(self) -> list[str]:
        """What the scale means, and when a claim holds."""
        return [SCALES[self.scale], self.reading(), *filter(None, [self.data, self.layout.note])]
