"""A stand-in for the azure-native provider that turns the same inputs into the same requests, to a local Azure.

Behaves as the provider does, also where that is inconvenient: it replaces by deleting first, refuses what exists, sends
whole bodies. It configures against nothing but the loopback. What it does not emulate it says so. `table` tells which
resources it knows, `plugin` puts it where the engine looks.
"""
