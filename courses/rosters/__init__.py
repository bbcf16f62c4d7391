"""Rosters: tables of enrolments, read from files and loaded set by set (docs/rosters.md)."""
