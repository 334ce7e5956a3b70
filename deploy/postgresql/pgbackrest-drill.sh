#!/bin/sh
# Restores the newest backup of pgBackRest into a new cluster, checks it there, logs that it is
# good, and removes the cluster. As the user postgres:
#
#   READWATCH_DATABASE=postgresql:///readwatch pgbackrest-drill.sh BIN FOLDER NAME [COMMAND]
#
# BIN has PostgreSQL's programs, such as /usr/lib/postgresql/15/bin. FOLDER is new, on a disk with
# room for the database. NAME is that of the database in the cluster. READWATCH_DATABASE is the real
# one, which gets the entry. COMMAND is a check of your own; it gets the URL of the restored database.
set -eu
umask 077
bin=${1:?BIN is missing} folder=${2:?FOLDER is missing} name=${3:?NAME is missing}
: "${READWATCH_DATABASE:?is not set}"
mkdir "$folder"
# Only this user can enter the folder, and so use the socket in it.
url=postgresql:///$name?host=$folder
stop() {
    "$bin/pg_ctl" --pgdata="$folder/data" --mode=immediate stop >/dev/null 2>&1 || true
    rm -rf "$folder"
}
trap stop EXIT

# Without the archive: the new cluster must not write into the backups of the real one.
pgbackrest --stanza=readwatch --pg1-path="$folder/data" --archive-mode=off restore
echo 'local all all trust' >"$folder/hba"
# Debian has the configuration elsewhere, so the backup may be without one.
[ -e "$folder/data/postgresql.conf" ] || : >"$folder/data/postgresql.conf"
[ -e "$folder/data/pg_ident.conf" ] || : >"$folder/data/pg_ident.conf"
"$bin/pg_ctl" --pgdata="$folder/data" --log="$folder/log" --wait --timeout=3600 \
    --options="-k $folder -c listen_addresses='' -c hba_file=$folder/hba -c hot_standby=off" start >/dev/null ||
    { cat "$folder/log" >&2 && exit 1; }

export READWATCH_ANCHOR_LOG="$folder/anchors" # the real anchors are not marked as restored
backup=$(pgbackrest --stanza=readwatch --output=json info | grep -o '"label":"[^"]*"' | tail -n 1 | cut -d '"' -f 4)
readwatch --database "$url" init --yes # an older schema is upgraded: the backup stays as it is
readwatch --database "$url" db finish-restore "$backup" --yes
readwatch --database "$url" audit verify
readwatch --database "$url" db health
[ $# -lt 4 ] || "$4" "$url"
unset READWATCH_ANCHOR_LOG
readwatch db log-backup "$backup" --checked
