"""The Python that an image's environment runs on: the image's own is in a base layer, which is left out here.

Owns finding one of the same version on this machine and giving it to a container's root. Fails by name: packages are
made for one version.
"""

import configparser
import shutil
import subprocess
import sys
from pathlib import Path

import uv

from azml_local.containers import rootfs
from azml_local.containers.images import CannotRun


def give(root: Path) -> None:
    """Put an interpreter into the environment of a root, where it has one without. Raises `CannotRun`."""
    if not rootfs.is_environment(root):
        return
    environment = root / rootfs.ENVIRONMENT
    config = environment / "pyvenv.cfg"
    text = config.read_text(encoding="utf-8")
    found = _interpreter(text)
    config.unlink()
    lines = [line for line in text.splitlines() if line.partition("=")[0].strip() != "home"]
    config.write_text("\n".join([f"home = {found.parent}", *lines]) + "\n", encoding="utf-8")
    python = environment / "bin" / "python"
    python.unlink(missing_ok=True)
    python.symlink_to(found)


def _interpreter(config: str) -> Path:
    """Find a Python of the version that `pyvenv.cfg` names: the one that made it, where that is this machine's."""
    parser = configparser.ConfigParser()
    parser.read_string(f"[venv]\n{config}")
    told = parser["venv"]
    version = ".".join((told.get("version_info") or told.get("version") or "").split(".")[:2])
    ours = Path(getattr(sys, "_base_executable", sys.executable))
    named = Path(told.get("home", "")) / f"python{version}"
    if named.is_absolute() and named.is_file():
        return named
    if version == f"{sys.version_info.major}.{sys.version_info.minor}":
        return ours
    command = [uv.find_uv_bin(), "python", "find", "--no-project", "--system", version]
    done = subprocess.run(command, capture_output=True, text=True, cwd="/", check=False)
    if done.returncode == 0 and (path := shutil.which(done.stdout.strip())):
        return Path(path)
    raise CannotRun(f"the image's Python {version}, which this machine does not have (see `uv python list`)")
