"""README and docs: numbers filled in from the records, the reference of verbs and settings, the static site."""
