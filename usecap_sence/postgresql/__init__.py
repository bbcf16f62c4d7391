"""PostgreSQL as production talks to it: `"ENGINE": "usecap_sence.postgresql"`."""
