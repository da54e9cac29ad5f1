"""Numbers with their words."""


def counted(number: int, singular: str, plural: str = "") -> str:
    """A number with its word: "1 run", "2 runs", "1,200 cells"."""
    return f"{number:,} {singular if number == 1 else plural or f'{singular}s'}"


def said_of(outcome: str, number: int) -> str:
    """An outcome as it is said of so many: "holds by construction" of one, "hold by construction" of more."""
    verb, space, rest = outcome.partition(" ")
    return f"{verb[:-1]}{space}{rest}" if number != 1 and verb in ("holds", "fails") else outcome
