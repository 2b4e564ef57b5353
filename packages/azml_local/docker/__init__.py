"""A stand-in for the docker provider: builds azml's own images without Docker and pushes them to a local registry.

Behaves as pulumi-docker's `Image` does, also where that is inconvenient: it never asks whether an image is still
there, never deletes one, and knows a digest only after a push (docs/adr/0013). What is inside such an image is real,
except the base layers, which are left out and named in a label. Anything but azml's own Dockerfile is refused with its
line. Pushes to the loopback only.
"""
