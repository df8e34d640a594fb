"""A process that measures a row under one layer, a turn at a time."""

import json
import os
import signal
import subprocess
import sys
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryFile
from threading import Timer
from typing import Any

from benchmarks import turns
from benchmarks.figures import Options, Setting
from benchmarks.layers import environment
from benchmarks.results import Results

TIMEOUT_SECONDS = 300  # for a turn: the first one compiles


class Process:
    """It is started in its first turn; what it measures goes to the results."""

    def __init__(
        self, row: str, setting: Setting, layer: str, options: Options, results: Results
    ) -> None:
        self.row, self.setting, self.layer = row, setting, layer
        self.options, self.results = options, results
        self.process: subprocess.Popen[str] | None = None
        self.is_late = False
        self.errors = TemporaryFile("w+")  # noqa: SIM115 # closed where the process has ended

    def runs_a_turn(self) -> bool:
        """Give it a turn, and add what it has measured; False if it has ended."""
        if self.process is None:
            self.process = self._start()
        else:
            self._say_go(self.process)
        timeout = Timer(TIMEOUT_SECONDS, self._kill, (self.process.pid,))
        timeout.start()
        try:
            for line in self.process.stdout or ():
                if line.strip() == turns.OVER:
                    return True
                self._add(json.loads(line))
            self._ended(self.process.wait())
        finally:
            timeout.cancel()
        return False

    def _start(self) -> subprocess.Popen[str]:
        setting = asdict(self.setting)
        asked = {"row": self.row, "layer": self.layer, "setting": setting}
        request = json.dumps(asked | {"options": asdict(self.options)})
        return subprocess.Popen(
            [sys.executable, "-m", "benchmarks.worker", request],
            env=environment(self.layer, self.setting),
            cwd=Path(__file__).parents[1],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.errors,
            text=True,
            start_new_session=True,
        )

    @staticmethod
    def _say_go(process: subprocess.Popen[str]) -> None:
        with suppress(BrokenPipeError):  # it has ended between its turns
            if process.stdin:
                process.stdin.write("\n")
                process.stdin.flush()

    def _add(self, figure: dict[str, Any]) -> None:
        key = self.row, figure["case"], figure["layer"] or self.layer
        self.results.values.setdefault(key, []).append(figure["value"])
        if self.setting.numba_threads:
            self.results.numba_threads[key] = self.setting.numba_threads

    def _kill(self, session: int) -> None:
        self.is_late = True
        os.killpg(session, signal.SIGKILL)

    def _ended(self, status: int) -> None:
        with self.errors:
            self.errors.seek(0)
            reason = _why(status, self.errors.read())
        if self.is_late:
            reason = f"no end of a turn after {TIMEOUT_SECONDS} s"
        if reason:
            self.results.failures[self.row, self.setting.case, self.layer] = reason


def _why(status: int, err: str) -> str:
    if status == 0:
        return ""
    said = [line.strip() for line in err.splitlines() if line.strip()]
    ended = f"killed by {signal.Signals(-status).name}" if status < 0 else f"exit status {status}"
    return f"{ended}: {said[-1]}" if said else ended
