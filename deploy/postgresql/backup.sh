#!/bin/sh
# Backs up readwatch's database on PostgreSQL with pg_dump, while everything runs:
#
#   READWATCH_DATABASE=postgresql://readwatch@db/readwatch backup.sh FOLDER KEEP
#
# The user of the URL owns the tables. Its password is in ~/.pgpass and not in the URL, because
# everybody on the machine can see the arguments of a program. KEEP is the number of dumps to keep.
set -eu
umask 077 # the dump has everybody's data
folder=${1:?FOLDER is missing} keep=${2:?KEEP is missing}
: "${READWATCH_DATABASE:?is not set}"
name=readwatch-$(date -u +%Y%m%d-%H%M%S).dump
draft=$folder/.$name
trap 'rm -f "$draft"' EXIT

readwatch db log-backup "$name" # first: whoever fails to log it gets no data
pg_dump --dbname="$READWATCH_DATABASE" --format=custom --file="$draft"
pg_restore --file=/dev/null "$draft" # reads all of it; whether it is right, drill.sh says
mv "$draft" "$folder/$name"
echo "backed up to $folder/$name"

# The names sort by time.
ls "$folder" | grep '^readwatch-[0-9]*-[0-9]*\.dump$' | sort -r | tail -n "+$((keep + 1))" |
    while read -r old; do
        rm "$folder/$old"
        echo "deleted $folder/$old"
    done
