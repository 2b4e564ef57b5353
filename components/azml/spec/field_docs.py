"""What the text below each field of a block says, for editors and for messages.

Owns that one look into the source. pydantic can take it at the import of each model, which was a third of the time that
importing the config's models took, at every command; it is read here when something is said, and not before.
"""

from __future__ import annotations

import ast
import inspect
import textwrap
from functools import cache
from itertools import pairwise

from azml.spec.base import Spec


@cache
def field_docs(model: type[Spec]) -> dict[str, str]:
    """Return the text of each field of a model that has one, on one line."""
    blocks = [block for block in reversed(model.__mro__) if issubclass(block, Spec)]
    return {name: text for block in blocks for name, text in _own(block).items()}


def _own(block: type[Spec]) -> dict[str, str]:
    found = {}
    for definition in ast.parse(textwrap.dedent(inspect.getsource(block))).body:
        for field, text in pairwise(getattr(definition, "body", [])):
            match field, text:
                case ast.AnnAssign(target=ast.Name(name)), ast.Expr(ast.Constant(str(said))):
                    found[name] = " ".join(said.split())
    return found
