"""What all collectors share: a job in, the snapshot of one scope out, however the scope is read."""
