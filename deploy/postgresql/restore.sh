#!/bin/sh
# Restores a dump of backup.sh into an empty database, and makes it ready for use:
#
#   restore.sh DUMP postgresql://readwatch@db/readwatch_new
#
# Nothing else may use the database before the end. Settings: READWATCH_ANCHOR_LOG and
# READWATCH_ERASURE_LIST, if they are not in the state folder of this user.
set -eu
dump=${1:?DUMP is missing} url=${2:?the URL of an empty database is missing}

# Rights depend on the name of the database; `readwatch init` makes them. --yes: it upgrades an older
# dump without a question, because the dump is the backup.
pg_restore --dbname="$url" --exit-on-error --no-owner --no-privileges "$dump"
readwatch --database "$url" init --yes
readwatch --database "$url" db finish-restore "$(basename "$dump")" --yes
readwatch --database "$url" audit verify
readwatch --database "$url" db health
