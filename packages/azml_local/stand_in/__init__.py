"""What stand-ins for provider plugins share: the process, the wire, messages to the engine, HTTP to the loopback.

A stand-in answers the engine in the place of a real provider, in a project's own PULUMI_HOME only, and never reaches
beyond this machine. What a call means belongs to the stand-ins themselves (`azure_native`, `docker`). Nothing here
costs more to import than the protocol's messages: the engine starts plugins at every command.
"""
