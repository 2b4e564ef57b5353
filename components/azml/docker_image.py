"""pulumi-docker's `Image`, without its module.

Owns a class that registers the same type with the arguments that docs/adr/0013 settles, and no others: importing
`pulumi_docker` takes 0.3 CPU seconds at every command. Deliberately knows nothing of what is in the image.
"""

from importlib.metadata import version

import pulumi


class DockerImage(pulumi.CustomResource):
    """An image that is built from a folder and pushed."""

    repo_digest: pulumi.Output[str]
    """SERVER/REPOSITORY@sha256:…; unknown in a preview that would build."""

    def __init__(
        self,
        name: str,
        image_name: pulumi.Input[str],
        context: str,
        registry: dict[str, pulumi.Input[str]],
        opts: pulumi.ResourceOptions,
    ) -> None:
        """`context` is relative to the program's folder; `registry` has server, username and password."""
        # The version of the SDK in use, as the SDK's own class asks for: another one would be another plugin.
        same_plugin = pulumi.ResourceOptions(version=version("pulumi-docker"))
        properties = {
            "imageName": image_name,
            "build": {"context": context, "dockerfile": f"{context}/Dockerfile", "platform": "linux/amd64"},
            "registry": registry,
            "skipPush": False,
            "buildOnPreview": False,
            "repoDigest": None,
        }
        token = "docker:index/image:Image"  # noqa: S105 - a resource type's
        super().__init__(token, name, properties, pulumi.ResourceOptions.merge(opts, same_plugin))
        self.repo_digest = self.__dict__["repoDigest"]
