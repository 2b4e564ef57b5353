"""Deploys what the stack's config describes, and nothing else."""

import azml

spec = azml.load()  # by itself: what `build` imports takes a second, in which azml's plugin starts
azml.export(azml.build(spec))
