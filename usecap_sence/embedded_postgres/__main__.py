"""python -m usecap_sence.embedded_postgres --serve|--stop|--remove [HOME]"""

import argparse
from pathlib import Path

from . import server

ACTIONS = {"serve": server.serve, "stop": server.stop, "remove": server.remove}

parser = argparse.ArgumentParser(prog="python -m usecap_sence.embedded_postgres")
choice = parser.add_mutually_exclusive_group(required=True)
choice.add_argument("--serve", dest="action", action="store_const", const="serve")
choice.add_argument("--stop", dest="action", action="store_const", const="stop")
choice.add_argument("--remove", dest="action", action="store_const", const="remove")
parser.add_argument("home", nargs="?", default=Path(__file__).resolve().parents[2] / ".postgres")

if __name__ == "__main__":
    options = parser.parse_args()
    ACTIONS[options.action](options.home)
