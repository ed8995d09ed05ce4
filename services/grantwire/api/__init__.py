"""The HTTP face of Grantwire: connectors, runs, answers, the export and the dead letters."""
