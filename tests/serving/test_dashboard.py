"""The Grafana dashboard asks only for what the server tells, with labels that it has."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mitame.serving.seeing.exposition import FAMILIES

FILE = Path(__file__).parents[2] / "deploy" / "grafana" / "dashboard.json"


def dashboard() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(FILE.read_text(encoding="utf-8"))
    return found


def queries() -> Iterator[tuple[str, str]]:
    for panel in dashboard()["panels"]:
        for target in panel["targets"]:
            yield target["expr"], target["legendFormat"]


def families(expression: str) -> set[str]:
    """Names of metrics in a query, those of histograms without their endings."""
    names = re.findall(r"\bmitame_\w+", expression)
    return {n if n in FAMILIES else re.sub(r"_(bucket|sum|count)$", "", n) for n in names}


def test_queries_name_metrics_that_exist() -> None:
    """And every metric is shown somewhere."""
    asked = set().union(*(families(expression) for expression, _ in queries()))
    assert asked == set(FAMILIES)


def test_histograms_are_asked_for_by_their_parts() -> None:
    """A bucket, sum or count of what is no histogram would find nothing, and so would a bare
    histogram."""
    for expression, _ in queries():
        for name in re.findall(r"\bmitame_\w+", expression):
            plain = FAMILIES.get(name)
            if plain is None:
                assert FAMILIES[re.sub(r"_(bucket|sum|count)$", "", name)].kind == "histogram"
            else:
                assert plain.kind != "histogram"


def test_labels_exist() -> None:
    """What a query groups by or shows in its legend is a label of what it asks for; ``job`` comes
    from Prometheus itself."""
    for expression, legend in queries():
        has = {"job"}.union(*(FAMILIES[name].labels for name in families(expression)))
        if "_bucket" in expression:
            has.add("le")
        used = set(re.findall(r"\{\{(\w+)\}\}", legend))
        used |= set(re.findall(r'(\w+)=~?"', expression))
        for grouped in re.findall(r"\bby \(([^)]*)\)", expression):
            used |= {label.strip() for label in grouped.split(",")}
        assert used <= has, (expression, used - has)


def test_counters_are_asked_for_as_rates() -> None:
    """A counter's own value says how long a server has run; and gauges have no rate."""
    for expression, _ in queries():
        for name in families(expression):
            if FAMILIES[name].kind == "gauge":
                assert "rate(" not in expression, expression
            else:
                assert f"rate({name}" in expression, expression


def test_form() -> None:
    """Ids are unique, panels don't overlap, and each names the data source that is chosen."""
    panels = dashboard()["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    cells = [
        (x, y)
        for place in (panel["gridPos"] for panel in panels)
        for x in range(place["x"], place["x"] + place["w"])
        for y in range(place["y"], place["y"] + place["h"])
    ]
    assert len(set(cells)) == len(cells)
    assert all(panel["datasource"]["uid"] == "${datasource}" for panel in panels)
    assert all(balanced(expression) for expression, _ in queries())


def balanced(expression: str) -> bool:
    return all(expression.count(a) == expression.count(b) for a, b in ("()", "{}", "[]"))


def test_the_docs_list_what_there_is() -> None:
    """Every metric is in the table, and nothing else is named, in alerts neither."""
    page = (FILE.parents[2] / "docs" / "monitoring.md").read_text(encoding="utf-8")
    assert families(page) == set(FAMILIES)
    rows = {name: row for row in page.splitlines() for name in FAMILIES if f"| `{name}`" in row}
    for name, row in rows.items():
        assert set(re.findall(r"`(\w+)`", row.split("|")[2])) == set(FAMILIES[name].labels), name
