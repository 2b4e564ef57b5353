"""What azml carries beside its own code: the sources of the engine, and templates of projects.

In a clone the folders in here are links to the rooms of the same names; in a wheel they are the rooms' files. Either
way they are found as data of this package, and nothing else knows where they are.
"""

from importlib.resources import files
from pathlib import Path


def folder(name: str) -> Path:
    """The folder `engine` or `templates`."""
    return Path(str(files(__name__) / name))
