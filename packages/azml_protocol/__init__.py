"""What the engine's protocol says, once for all who speak it: the library, the policies, the stand-ins, the commands.

Owns the protocol's marks, and how its messages are had without the SDK. Deliberately no conversion of values: each
reader makes something else of what is secret or unknown.
"""
