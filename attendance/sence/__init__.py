"""SENCE's wire, from its technical manual v1.1.6: forms sent, callbacks read, limits.

No ORM and no HTTP server in here: plain values in, plain values out.
"""
