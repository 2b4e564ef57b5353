"""What an image is that a container group runs and the stack's state says nothing of any more: its registry is asked.

So it is after a release that failed: state has the image that was built, and the group runs the one before. Owns asking
with the group's own credentials, which may pull whatever it runs. Deliberately knows no service (`services`).
"""

import json
from collections.abc import Mapping
from typing import Any

from azml_protocol import marks


def plain(value: Any) -> Any:
    """A value of a state that was exported with its secrets, without their wrapping (the engine's `SecretV1`)."""
    if isinstance(value, Mapping):
        if value.get(marks.SIGNATURE) == marks.SECRET:
            return plain(json.loads(value["plaintext"]))
        return {name: plain(inner) for name, inner in value.items()}
    return [plain(inner) for inner in value] if isinstance(value, list) else value


def asked(image: str, group: Mapping[str, Any]) -> tuple[str, tuple[str, ...]]:
    """NAME:NUMBER of an image, and its models; empty where the group has no password for its registry.

    `group` is a container group's inputs without wrapping. Raises `Refused` with the registry's words.
    """
    from azml.resources import image_labels, image_numbers
    from azml.resources.registry_api import Repository
    from azml.spec.image_reference import parse

    found = parse(image)
    logins = [one for one in group.get("imageRegistryCredentials") or [] if one.get("username")]
    login = next((one for one in logins if found is not None and one["server"] == found.host), None)
    if found is None or login is None:
        return "", ()
    with Repository(login["server"], found.path, login["username"], login["password"]) as repository:
        tags = repository.tags()
        digest = found.digest or tags.get(found.tag or "latest", "")
        numbers = image_numbers.of(tags, digest)
        models = image_labels.models(repository.labels(digest)) if digest else ()
    return f"{found.path}:{numbers[0]}" if numbers else "", models
