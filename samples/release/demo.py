"""`make demo-release`: a model's releases on a local Azure of their own, while a client asks and counts.

    python samples/release/demo.py [FOLDER]      FOLDER is emptied; .azml/demo-release if none is given

Owns the story: what is changed, what has to come of it, and the table at the end. The program exits with 1 where
something else came of it, or where one request failed. Everything is done as a person would: a file is edited, then
`azml up --local`.
"""

import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from asking import Asked, Asking, answered_by
from project import COMMITTED, Project, Unexpected, say

SAMPLES = Path(__file__).resolve().parents[1]
GOOD = "model.predict(data).round(3).tolist()"
WRONG = "(model.predict(data) / 10).tolist()"
RAISES = "model.predict(data, return_std=True).tolist()"


@dataclass
class Chapter:
    """One release, for the table."""

    number: int
    title: str
    began: float = field(default_factory=time.monotonic)
    seconds: float = 0.0


class Story:
    """The releases in their order, and what has to come of each."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self._chapters: list[Chapter] = []
        self._asking: Asking | None = None

    def tell(self) -> None:
        """All of it. Raises `Unexpected`."""
        with self._chapter("A first release: nobody serves yet, so it goes live once its gates are passed"):
            endpoint = self._project.release(COMMITTED)
        with Asking.of(endpoint, self._project) as asking:
            self._asking = asking
            (first,) = asking.live
            with self._chapter("A good release: to 10, 50 and 100 % of the requests, judged at each step"):
                self._project.release(GOOD)
            (good,) = asking.live
            expect(good != first, "the good release is not live")
            with self._chapter("A bad release: its numbers are wrong"):
                self._project.release(WRONG, fails=True)
            with self._chapter("A bad release: it raises an error"):
                self._project.release(RAISES, fails=True)
            expect(asking.live == {good: 100}, f"bad releases changed who answers: {asking.live}")
            with self._chapter("The way back (git revert): the release of before is still warm") as back:
                self._project.release(COMMITTED)
            took = asking.first_answer(back.began, first) - back.began
            say(f"   {first} answers again, {took:.1f} s after `azml up` began")
            expect(asking.live == {first: 100}, f"the way back led to {asking.live}")
        self._table(asking.asked)

    @contextmanager
    def _chapter(self, title: str) -> Iterator[Chapter]:
        chapter = Chapter(len(self._chapters) + 1, title)
        say(f"\n{chapter.number}. {title}", "1")
        yield chapter
        if self._asking is not None:
            self._asking.look()  # a change at the end belongs to this chapter
        chapter.seconds = time.monotonic() - chapter.began
        self._chapters.append(chapter)

    def _table(self, asked: list[Asked]) -> None:
        """What was live when, and whether anybody noticed."""
        say(f"\n{'took':>9}  {'requests':>8}  {'failed':>6}  answered by", "1")
        for chapter in self._chapters:
            during = [one for one in asked if chapter.began <= one.at < chapter.began + chapter.seconds]
            by = answered_by(during) if during else "(nobody asks yet)"
            failed = sum(one.failed for one in during)
            say(f"{chapter.number}. {chapter.seconds:>4.0f} s  {len(during):>8}  {failed:>6}  {by}")
        failed = sum(one.failed for one in asked)
        say(f"\n{len(asked)} requests, {failed} failed.", "1")
        expect(not failed, "requests failed")


def expect(is_so: bool, otherwise: str) -> None:
    """Raise `Unexpected` unless it is so."""
    if not is_so:
        raise Unexpected(otherwise)


def main(folder: Path) -> int:
    """Tell the story in a folder of its own; nothing of it runs afterwards."""
    project = Project(folder / "release", folder / "diabetes" / "code" / "score.py")
    project.stop()  # of a demo that was killed
    shutil.rmtree(folder, ignore_errors=True)
    for name in ("release", "diabetes"):
        shutil.copytree(SAMPLES / name, folder / name, ignore=shutil.ignore_patterns("__pycache__", ".azml"))
    try:
        Story(project).tell()
    except Unexpected as error:
        say(f"\nThis is not how it has to be: {error}", "31")
        return 1
    finally:
        project.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1] if len(sys.argv) > 1 else ".azml/demo-release").resolve()))
