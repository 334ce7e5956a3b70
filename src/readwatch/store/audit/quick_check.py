"""What can be said about the access log without reading its entries."""

from readwatch.store.audit.heads import numbering_defect
from readwatch.store.engine.catalogue import schema_differences
from readwatch.store.engine.connections import Database


def quick_check(db: Database) -> tuple[str, ...]:
    """Return one sentence for each finding: a changed schema, or a log without its last entries.

    The schema comes first: without its triggers everything else could be changed.
    """
    defect = numbering_defect(db)
    return (*schema_differences(db), *([defect.message] if defect else []))
