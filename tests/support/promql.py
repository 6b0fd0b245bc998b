"""PromQL held against the time series that there are: an unknown name is an error, the labels of a result are known."""

import re
from collections.abc import Mapping

import promql_parser as promql

Series = Mapping[str, frozenset[str]]
"""The labels of each time series, by its name."""

_OF_NOTHING = {"absent", "vector", "time"}


class UnknownError(Exception):
    """An expression names a time series, label or value that there is not."""


def parsed(expression: str) -> promql.Expr:
    """An expression, of a Grafana panel too: its variables stand for something. Raises ValueError."""
    found: promql.Expr = promql.parse(expression.replace("$__rate_interval", "5m"))
    return found


def labels(found: promql.Expr, series: Series, values: Mapping[str, frozenset[str]]) -> frozenset[str]:
    """The labels that the result may have; `values` are the only ones of these labels. Raises UnknownError."""

    def of(inner: promql.Expr) -> frozenset[str]:
        return labels(inner, series, values)

    match found:
        case promql.VectorSelector():
            return _selected(found, series, values)
        case promql.MatrixSelector():
            return of(found.vector_selector)
        case promql.ParenExpr() | promql.SubqueryExpr() | promql.UnaryExpr():
            return of(found.expr)
        case promql.AggregateExpr():
            kept = frozenset(found.modifier.labels) if found.modifier else frozenset[str]()
            return _known(kept, of(found.expr))
        case promql.Call():
            inner = frozenset[str]().union(*map(of, found.args))
            return (
                frozenset()
                if found.func.name in _OF_NOTHING
                else inner - {"le"}
                if "quantile" in found.func.name
                else inner
            )
        case promql.BinaryExpr():
            left, right = of(found.lhs), of(found.rhs)
            if found.modifier and found.modifier.matching:
                _known(frozenset(found.modifier.matching.labels), left & right)
            return left | right if str(found.op) == "or" else left
        case promql.NumberLiteral() | promql.StringLiteral():
            return frozenset()
    raise TypeError(f"{type(found).__name__}: say here what labels its result has")


def _selected(selector: promql.VectorSelector, series: Series, values: Mapping[str, frozenset[str]]) -> frozenset[str]:
    if selector.name is None or selector.name not in series:
        raise UnknownError(f"there is no time series {selector.name}")
    there = series[selector.name]
    for matcher in selector.matchers.matchers:
        _known(frozenset({matcher.name}), there)
        exact = matcher.op in (promql.MatchOp.Equal, promql.MatchOp.NotEqual)
        if exact and matcher.value not in values.get(matcher.name, {matcher.value}):
            raise UnknownError(f"{matcher.name} is never {matcher.value}")
    return there


def _known(asked: frozenset[str], there: frozenset[str]) -> frozenset[str]:
    if unknown := asked - there:
        raise UnknownError(f"there is no label {', '.join(sorted(unknown))}, only {', '.join(sorted(there))}")
    return asked


def names(found: promql.Expr) -> set[str]:
    """The time series that an expression asks for."""
    seen: set[str] = set()

    def visit(inner: promql.Expr) -> None:
        match inner:
            case promql.VectorSelector() if inner.name:
                seen.add(inner.name)
            case promql.MatrixSelector() if inner.vector_selector.name:
                seen.add(inner.vector_selector.name)

    promql.walk(found, visit)
    return seen


def told(template: str) -> set[str]:
    """The labels that an alert's text or a legend puts in."""
    return set(re.findall(r"\$labels\.(\w+)", template)) | set(re.findall(r"\{\{\s*(\w+)\s*\}\}", template))
