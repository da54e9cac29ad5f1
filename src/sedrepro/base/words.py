"""Numbers with their words."""


def counted(number: int, singular: str, plural: str = "") -> str:
    """A number with its word: "1 run", "2 runs", "1,200 cells"."""
    return f"{number:,} {singular if number == 1 else plural or f'{singular}s'}"
