"""Looks at a page with axe-core, the engine behind most accessibility checkers, whose script a test package brings."""

from __future__ import annotations

from importlib.resources import files
from typing import Any

from playwright.sync_api import Page

SCRIPT = (files("axe_playwright_python") / "axe.min.js").read_text(encoding="utf-8")
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
RUN = "(tags) => axe.run(document, {runOnly: {type: 'tag', values: tags}, resultTypes: ['violations']})"
SETTLED = """() => Promise.all(document.getAnimations()
  .filter((one) => one.effect.getComputedTiming().iterations < 100).map((one) => one.finished.catch(() => null)))"""


def findings(page: Page, what: str) -> list[str]:
    """What breaks WCAG 2.2 AA on the page as it stands, one line for each element; ``what`` begins each line.

    The script comes by the browser's own door for tools, which no security policy of a page closes.
    """
    page.evaluate(SETTLED)  # a colour on its way is neither the one nor the other
    if not page.evaluate("() => 'axe' in window"):
        page.evaluate(f"{SCRIPT}; null")
    said: dict[str, Any] = page.evaluate(RUN, TAGS)
    assert said["passes"], "axe looked at nothing"
    return [
        f"{what}: {broken['id']} at {node['target'][0]}: {_first(node)}"
        for broken in said["violations"]
        for node in broken["nodes"]
    ]


def _first(node: dict[str, Any]) -> str:
    checks = [*node["any"], *node["all"], *node["none"]]
    return str(checks[0]["message"] if checks else node["html"])[:200]
