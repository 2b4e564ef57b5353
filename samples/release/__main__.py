"""Deploys what the stack's config describes, and nothing else."""

import azml

azml.export(azml.build(azml.load()))
