"""Attendance as a spreadsheet: `attendance` says which sessions and which columns, `files` how they
are read and written, `page` is the form in admin; `manage.py export_attendance` does the same from
a terminal."""
