"""What can be said about the access log without reading its entries."""

from readwatch.store.audit.cuts import newest_cut, untold_cut
from readwatch.store.audit.heads import numbering_defect
from readwatch.store.engine.catalogue import schema_differences
from readwatch.store.engine.connections import Database


def quick_check(db: Database) -> tuple[str, ...]:
    """Return one sentence for each finding: a changed schema, a log without its last entries, or a
    cut of which no entry tells.

    The schema comes first: without its triggers everything else could be changed.
    """
    cut = newest_cut(db)
    defects = (numbering_defect(db), None if cut is None else untold_cut(db, cut))
    return (*schema_differences(db), *(defect.message for defect in defects if defect))
