"""Liu, Yang, Cao, Yang: frequency-dependent auto-pooling (EURASIP JASMP 2021:19)."""
