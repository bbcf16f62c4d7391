"""The coordinators' desk: what needs attention, mails, exports, and who may do what.

Stands on courses, attendance and errors_catalog; nothing of theirs imports it.
"""
