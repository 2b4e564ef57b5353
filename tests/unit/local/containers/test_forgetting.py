"""What the local Azure forgets of images: what nobody uses, and never what is being pulled meanwhile."""

import asyncio
import threading
from pathlib import Path
from typing import Any

import pytest

from azml_local.containers.images import Image, Images
from azml_local.home import write_json

LAYER, DIGEST = f"sha256:{'1' * 64}", f"sha256:{'2' * 64}"


def test_an_image_that_is_pulled_while_another_group_ends_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    images, used = Images(tmp_path, tmp_path / "bundle", tmp_path / "shared"), set[str]()
    pulling, forgetting = threading.Event(), threading.Event()

    def slow(*_: Any) -> Image:
        pulling.set()
        assert forgetting.wait(10)
        folder = tmp_path / "layers" / LAYER.replace(":", "-")
        folder.mkdir()
        write_json(tmp_path / "images" / f"{DIGEST.replace(':', '-')}.json", {"config": {}, "layers": [LAYER]})
        return Image(DIGEST, (folder,), {})

    monkeypatch.setattr(images, "_pull", slow)

    async def both() -> None:
        pulled = asyncio.create_task(images.pull("a/b:1", (), used))
        await asyncio.to_thread(pulling.wait, 10)
        forgotten = asyncio.create_task(images.keep_only(lambda: used))
        await asyncio.sleep(0)
        forgetting.set()
        await asyncio.gather(pulled, forgotten)

    asyncio.run(both())
    assert images.find(DIGEST) is not None
    asyncio.run(images.keep_only(lambda: ()))
    assert images.find(DIGEST) is None
