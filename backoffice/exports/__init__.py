"""Attendance as a spreadsheet: `attendance` says which rows, `files` how they are written, `page`
is the form in admin; `manage.py export_attendance` does the same from a terminal."""
