"""`make accept`: write every generated file anew. The golden tests compare with what this would write."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]


def _json(document: Any) -> str:
    return json.dumps(document, indent=2) + "\n"


def estate_schema() -> str:
    from azml.spec import json_schema

    return _json(json_schema())


def stack_schema() -> str:
    from azml.spec import stack_schema as schema

    return _json(schema())


def package_schema() -> str:
    from azml.provider import package_schema as schema

    return _json(schema())


def stand_in_pages() -> dict[str, Callable[[], str]]:
    from tests.support.behaviours import PAGES, written

    return {f"docs/{page.name}.md": lambda page=page: written(page) for page in PAGES}


def coverage_page() -> str:
    from tests.support.coverage import page

    return page()


def policy_pages() -> dict[str, Callable[[], str]]:
    from tests.support.policy_pages import pages

    return {f"docs/policies/{name}": lambda text=text: text for name, text in pages().items()}


GENERATED: dict[str, Callable[[], str]] = {
    "schemas/estate.schema.json": estate_schema,
    "schemas/stack.schema.json": stack_schema,
    "schemas/package.schema.json": package_schema,
    **stand_in_pages(),
    "docs/coverage.md": coverage_page,
    **policy_pages(),
}


SAMPLE, TEMPLATE = ROOT / "samples" / "diabetes", ROOT / "templates" / "online-endpoint"


def copied() -> dict[Path, Path]:
    """What a template has of a sample: copy and original. A template must be whole, for `pulumi new` takes it alone."""
    files = [path for path in SAMPLE.rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    return {
        TEMPLATE / "requests" / "diabetes.json"
        if path.name == "sample-request.json"
        else TEMPLATE / "endpoints" / "diabetes" / path.relative_to(SAMPLE): path
        for path in files
    }


def main() -> None:
    for name, text in GENERATED.items():
        path, new = ROOT / name, text()
        if not path.is_file() or path.read_text(encoding="utf-8") != new:
            path.parent.mkdir(exist_ok=True)
            path.write_text(new, encoding="utf-8")
            print(f"wrote {name}")
    for copy, original in copied().items():
        if not copy.is_file() or copy.read_bytes() != original.read_bytes():
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(original.read_bytes())
            print(f"wrote {copy.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
