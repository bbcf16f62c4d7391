#!/bin/sh
# backup.sh FOLDER: the database and the spool as they are now, for a month.
# PGDATABASE and the like say which database; without them, usecap_sence on this machine.
set -eu
umask 077
folder=$1
spool=${SPOOL_DIR:-/var/lib/usecap-sence/spool}
name=usecap-sence-$(date +%Y%m%d-%H%M%S)
export PGDATABASE="${PGDATABASE:-usecap_sence}"

# First the spool: what leaves it meanwhile is in the database by then.
if [ -d "$spool" ]; then
    tar --create --gzip --ignore-failed-read --warning=no-file-changed --warning=no-file-removed \
        --file="$folder/$name.spool.tar.gz" --directory="$spool" . || [ $? = 1 ]
fi
# Whole, or not under its name.
pg_dump --format=custom --no-owner --file="$folder/$name.partial"
mv "$folder/$name.partial" "$folder/$name.dump"

find "$folder" -name 'usecap-sence-*' -mtime +30 -delete
echo "$folder/$name.dump"
