"""
What axe-core finds on a page that keeps somebody from using it: its serious and critical findings.

What unfold itself does is listed in `UNFOLDS`, each with the reason why it is let through; anything else is ours.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from tests.browser.person import Person

BAD = ("serious", "critical")
# By rule: parts of CSS selectors in unfold's own templates, where our templates and styles do not reach.
UNFOLDS: Mapping[str, tuple[str, ...]] = {}


def findings(person: Person, *rules: str) -> list[str]:
    """What is wrong with the page that is open, by these rules or by all; empty where nothing is."""
    script = _axe()
    run = {"resultTypes": ["violations"]} | ({"runOnly": {"type": "rule", "values": list(rules)}} if rules else {})

    def ask(page: Any) -> Any:
        # Through the debugger, which the page's policy does not bind: the policy stays on.
        page.evaluate(script)
        return page.evaluate(f"axe.run({json.dumps(run)}).then(found => found.violations)")

    return [line for violation in person.on_page(ask) if violation["impact"] in BAD for line in _lines(violation)]


def _lines(violation: Mapping[str, Any]) -> Iterator[str]:
    known = UNFOLDS.get(violation["id"], ())
    for node in violation["nodes"]:
        target = " ".join(map(str, node["target"]))
        if not any(part in target or part in node["html"] for part in known):
            yield f"{violation['id']} ({violation['impact']}): {target}: {node['html'][:200]} {_why(node)}"


def _why(node: Mapping[str, Any]) -> str:
    return "; ".join(check["message"] for check in [*node["any"], *node["all"], *node["none"]])


@cache
def _axe() -> str:
    """axe-core itself, as axe-playwright-python brings it; nothing else of that package is used."""
    return files("axe_playwright_python").joinpath("axe.min.js").read_text(encoding="utf-8")
