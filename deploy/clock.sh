#!/bin/sh
# What runs by the clock, in a container: each minute, and the digest once after eight in Chile.
day=
while :; do
    python manage.py replay_callbacks
    python manage.py remind_open_sessions
    now=$(TZ=America/Santiago date +%Y%m%d%H)
    if [ "${now#????????}" -ge 8 ] && [ "$day" != "${now%??}" ]; then
        python manage.py send_daily_digest && day=${now%??}
    fi
    python manage.py send_mails
    sleep 60
done
