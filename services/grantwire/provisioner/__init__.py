"""The provisioner: commands into the inbox, and an engine that carries them out with evidence."""
