"""Reading audio, resampling, log-mel features and the feature store."""
