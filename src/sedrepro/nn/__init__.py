"""Poolings, blocks and encoders that papers share. Tensors are (batch, class, frame, mel) inside the networks."""
