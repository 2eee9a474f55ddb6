"""The search grammar: filter and order texts become typed trees; stores compile those."""

from chiplog.core.search.order import OrderBy, parse_order_by
from chiplog.core.search.parser import parse_filter
from chiplog.core.search.subjects import EXPERIMENTS, LOGGED_MODELS, RUNS, Subject
from chiplog.core.search.tree import (
    And,
    Comparison,
    Key,
    Kind,
    Not,
    Or,
    Tree,
    comparisons,
    to_text,
)

__all__ = [
    "EXPERIMENTS",
    "LOGGED_MODELS",
    "RUNS",
    "And",
    "Comparison",
    "Key",
    "Kind",
    "Not",
    "Or",
    "OrderBy",
    "Subject",
    "Tree",
    "comparisons",
    "parse_filter",
    "parse_order_by",
    "to_text",
]
