"""The kinds of targets, each as AWS reads and writes it."""
