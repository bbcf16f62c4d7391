"""A stand-in for SENCE's attendance register (RCE): see README.md in this folder."""
