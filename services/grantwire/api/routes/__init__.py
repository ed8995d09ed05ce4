"""One file per thing that can be asked about."""
