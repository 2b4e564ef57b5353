"""The pack as a program of its own, `azml-policies`: what a wheel installs.

Owns a quick start. The pack needs the messages of Pulumi's protocol and nothing else of its SDK, whose import costs
most of the start (0.9 s of CPU instead of 0.2 s), and a preview waits for its packs.
"""

from azml_protocol.messages import without_the_sdk


def main() -> None:
    """Serve until the engine ends us, or is gone."""
    without_the_sdk()
    from azml_policies.server import main as serve

    serve()
