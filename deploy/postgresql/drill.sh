#!/bin/sh
# Rehearses the restore of a dump, and logs that it is good; without that, a backup is a hope:
#
#   createdb readwatch_drill
#   READWATCH_DATABASE=postgresql://readwatch@db/readwatch \
#       drill.sh DUMP postgresql://readwatch@db/readwatch_drill
#   dropdb readwatch_drill
#
# READWATCH_DATABASE is the real database, which gets the entry; the other one is empty before.
set -eu
dump=${1:?DUMP is missing} url=${2:?the URL of an empty database is missing}
: "${READWATCH_DATABASE:?is not set}"
state=$(mktemp -d)
trap 'rm -rf "$state"' EXIT

# The rehearsal must not mark the real anchors as restored.
READWATCH_ANCHOR_LOG=$state/anchors "$(dirname "$0")/restore.sh" "$dump" "$url"
readwatch db log-backup "$(basename "$dump")" --checked
