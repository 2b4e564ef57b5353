"""What the engine puts among a resource's properties that is no value: marks of secrets, outputs and unknown values.

Source: pulumi, sdk/go/common/resource/sig/sig.go and resource/plugin/rpc.go, v3.259.0.
"""

from typing import Final

SIGNATURE: Final = "4dabf18193072939515e22adb298388d"
"""Key of a map that is not the program's; its value says which kind of thing it is."""
SECRET: Final = "1b47061264138c4ac30d75fd1eb44270"  # noqa: S105 - a mark, not one
"""Signature: `value` is secret."""
OUTPUT: Final = "d0e6a833031e9bbcd3f4e8bde6ca49a4"
"""Signature: `value`, if there is one, is an output, `secret` says whether it is one."""
UNKNOWN: Final = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
"""In the place of a text that a preview cannot know; and what is sent in the place of anything unknown."""
UNKNOWNS: Final = frozenset(
    {
        UNKNOWN,
        "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7",  # bool
        "3eeb2bf0-c639-47a8-9e75-3b44932eb421",  # number
        "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2",  # array
        "030794c1-ac77-496b-92df-f27374a8bd58",  # asset
        "e48ece36-62e2-4504-bad9-02848725956a",  # archive
        "dd056dcd-154b-4c76-9bd3-c8f88648b5ff",  # object
    }
)
"""In the place of any value that a preview cannot know, one for each kind of value."""
