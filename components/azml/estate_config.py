"""The estate of the stack that the engine runs: values from the engine, positions from the file.

Owns how a program gets its config, and how it ends where something is wrong. Deliberately no rule of the config itself
(`azml.spec`), and no import of it before the plugin has been asked for.
"""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import pulumi

from azml.plugin_start import start_plugin

if TYPE_CHECKING:
    from azml.spec import StackSpec

KEY = "estate"
"""Key of the config, in the project's own namespace."""
ALREADY_SAID = 32
"""Exit code by which a program tells the engine that its errors are shown."""


def load() -> "StackSpec":
    """Read the stack's estate. Ends the program where it is wrong."""
    start_plugin()
    from azml import spec

    try:
        return spec.load(spec.stack_folder(Path.cwd()), pulumi.get_stack(), pulumi.Config().get_object(KEY))
    except spec.SpecError as error:
        end([str(problem) for problem in error.problems])


def end(problems: list[str]) -> NoReturn:
    """End the program with every problem, and without a traceback."""
    for problem in problems:
        # The engine puts the word before what it shows.
        pulumi.log.error(problem.replace("error: ", "", 1))
    sys.exit(ALREADY_SAID)
