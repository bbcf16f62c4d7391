#!/bin/sh
# What runs by the clock, in a container: each minute, and once a day, after eight in Chile, the digest and
# the end of what is kept too long.
day=
while :; do
    python manage.py replay_callbacks
    python manage.py remind_open_sessions
    now=$(TZ=America/Santiago date +%Y%m%d%H)
    if [ "${now#????????}" -ge 8 ] && [ "$day" != "${now%??}" ]; then
        python manage.py send_daily_digest && day=${now%??}
        python manage.py apply_retention
    fi
    python manage.py send_mails
    sleep 60
done
