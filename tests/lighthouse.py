"""`make lighthouse`: what Lighthouse says of the students' pages of a demo, as on a slow phone.

Lighthouse comes from npm into `.lighthouse/`. Exits with 1 where a page is below WANTED.
"""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterable

import requests

from tests.site_process import ROOT, free_port

FOLDER = ROOT / ".lighthouse"
LIGHTHOUSE = "lighthouse@12.8.2"
WANTED = {"performance": 98, "accessibility": 100, "best-practices": 100}
CHROMIUM = "--headless --no-sandbox --disable-gpu --disable-background-networking"
ANYBODY, WITH_SESSION = "11111111-1", "15000000-9"


class Student:
    """A browser that typed a RUT of the demo's."""

    def __init__(self, site: str, run: str) -> None:
        self.site, self.session = site, requests.Session()
        self.lands_on = self.send("/", rut=run)

    def send(self, path: str, **fields: str) -> str:
        """Send the form of a page, and return the address that it leads to."""
        page = self.session.get(self.site + path, timeout=30).text
        token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)', page)
        assert token
        fields["csrfmiddlewaretoken"] = token[1]
        if path == "/cursos/":
            fields["enrolment"] = re.findall(
                r'name="enrolment".*?<option value="(\d+)"', page, re.S
            )[0]
        answer = self.session.post(self.site + path, fields, allow_redirects=False, timeout=30)
        assert answer.status_code == 303, answer.status_code
        return answer.headers["Location"]

    @property
    def cookies(self) -> str:
        return "; ".join(f"{name}={value}" for name, value in self.session.cookies.items())


def main() -> int:
    FOLDER.mkdir(exist_ok=True)
    install = ["npm", "install", "--silent", "--no-audit", "--no-fund", "--no-save", LIGHTHOUSE]
    subprocess.run(install, cwd=FOLDER, check=True)
    ports = [free_port() for _ in range(3)]
    options = zip(("--port", "--sence-port", "--login-port"), map(str, ports), strict=True)
    command = [
        sys.executable,
        "-m",
        "usecap_sence.demo",
        *(part for pair in options for part in pair),
    ]
    with (FOLDER / "demo.log").open("w") as log:
        demo = subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log)
    try:
        site = f"http://localhost:{ports[0]}"
        _wait_for(site, demo)
        return _audit(site)
    finally:
        demo.send_signal(signal.SIGTERM)
        demo.wait()


def _wait_for(site: str, demo: subprocess.Popen) -> None:
    while demo.poll() is None:
        try:
            requests.get(site, timeout=30)
        except requests.ConnectionError:
            time.sleep(0.5)
        else:
            return
    raise SystemExit("The demo did not start.")


def _audit(site: str) -> int:
    anybody, with_session = Student(site, ANYBODY), Student(site, WITH_SESSION)
    pages = {
        "first page": ("/", ""),
        "guide": ("/guia/", ""),
        "courses": ("/cursos/", anybody.cookies),
        "about to start": (anybody.send("/cursos/"), anybody.cookies),
        "timer": (with_session.lands_on, with_session.cookies),
    }
    _say("", WANTED)
    below = 0
    for name, (path, cookies) in pages.items():
        found = _scores(site + path, cookies)
        below += any(found[category] < wanted for category, wanted in WANTED.items())
        _say(name, [found[category] for category in WANTED])
    return 1 if below else 0


def _say(name: str, cells: Iterable[object]) -> None:
    sys.stdout.write(f"{name:16}" + "".join(f"{cell:>16}" for cell in cells) + "\n")
    sys.stdout.flush()


def _scores(url: str, cookies: str) -> dict[str, int]:
    """Return each category's score of 100; the last page's whole report stays in FOLDER."""
    report = FOLDER / "report.json"
    headers = FOLDER / "headers.json"
    # In a file, for a command line is everybody's to read.
    headers.write_text(json.dumps({"Cookie": cookies} if cookies else {}))
    command = [
        FOLDER / "node_modules" / ".bin" / "lighthouse", url, "--quiet", "--output=json",
        f"--output-path={report}", f"--extra-headers={headers}",
        f"--only-categories={','.join(WANTED)}", f"--chrome-flags={CHROMIUM}",
    ]  # fmt: skip
    chromium = os.environ.get("CHROME_PATH", "/usr/bin/chromium")
    subprocess.run(command, check=True, env=os.environ | {"CHROME_PATH": chromium})
    categories = json.loads(report.read_text())["categories"]
    return {name: round(100 * categories[name]["score"]) for name in WANTED}


if __name__ == "__main__":
    sys.exit(main())
