"""How a table is laid out on the page, and what must be said about its scale."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from sedrepro.base.typed import Typed

#: What a reader must know about numbers of each scale.
SCALES = {
    "miniature": "Miniature scale: synthetic sounds and narrow models, not a reproduction.",
    "recordings": "Recordings scale: other data and smaller budgets than published, not a reproduction.",
    "rehearsal": "Rehearsal: random scores of networks that have learned nothing; never comparable with anything.",
    "full": "Full scale: the official data and the published settings.",
}


Decimals = Annotated[int, Field(ge=0, le=8)]


class TableLayout(Typed):
    """How a table is laid out on the page."""

    title: str
    kind: Literal["numbers", "text", "claims"] = Field(default="numbers", description="what its cells hold")
    rows: list[str] = Field(min_length=1, description="label columns, left to right")
    columns: list[str] = Field(min_length=1, max_length=2, description="columns over the header, outer one first")
    names: dict[str, str] = Field(default={}, description="shown for a column or value, as 'SNR {} dB' for snr_db")
    decimals: Decimals = 4
    decimals_of: dict[str, Decimals] = Field(default={}, description="by metric, where they differ from that")
    note: str = ""

    @model_validator(mode="after")
    def _no_column_twice(self) -> "TableLayout":
        used = [*self.rows, *self.columns]
        if len(set(used)) < len(used):
            raise ValueError("a column is listed twice in rows and columns")
        return self

    def value_name(self, name: str, value: str) -> str:
        """What is shown for a value of the column `name`."""
        if value in self.names:
            return self.names[value]
        template = self.names.get(name, "")
        return template.replace("{}", value) if "{}" in template else value
