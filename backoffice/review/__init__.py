"""Where staff look at sessions and at SENCE's answers, and settle what needs settling.

`filters` has the parameters by which other pages link to the lists, `story` what happened to one
session, `actions` what staff may do to the chosen ones, `admin` the pages themselves.
"""
