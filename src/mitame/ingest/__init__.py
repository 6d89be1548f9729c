"""Images in: a staged, bounded, resumable pipeline from a source to a collection."""

from mitame.ingest.pipeline import index
from mitame.ingest.report import IndexReport, Progress

__all__ = ["IndexReport", "Progress", "index"]
