"""A wall clock of gunicorn's own, which may be stepped.

Not libfaketime: with a monotonic clock that goes on, as a machine's does, its sleeps fail.
"""

import mmap
import shutil
import subprocess
import sys
from pathlib import Path

from faults.world import FOLDER, NotHereError


class Clock:
    """Give a process `environment`, and its wall clock can be stepped from outside."""

    def __init__(self) -> None:
        compiler = shutil.which("cc")
        if compiler is None:
            raise NotHereError("a C compiler (apt-get install gcc libc6-dev)")
        library, file = FOLDER / "clock.so", FOLDER / "clock"
        source = Path(__file__).with_suffix(".c")
        command = [compiler, "-O2", "-shared", "-fPIC", "-o", str(library), str(source), "-ldl"]
        subprocess.run(command, check=True)
        file.write_bytes(bytes(8))
        with file.open("r+b") as opened:
            self._step = mmap.mmap(opened.fileno(), 8)
        self.environment = {"LD_PRELOAD": str(library), "CLOCK_FILE": str(file)}

    def set(self, seconds: int) -> None:
        """Have it go so many seconds before the real one."""
        self._step[:] = seconds.to_bytes(8, sys.byteorder, signed=True)
