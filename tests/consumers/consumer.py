"""Consumer: a client's program that runs until it has printed what was waited for."""

import json
import os
import pathlib
import queue
import signal
import subprocess
import threading
import time

from history import marker

SECONDS_FOR_A_PART = 90
_END = object()


class GaveUp(Exception):
    """The client ended, or did not come to the marker; says what it printed last."""


class Consumer:
    """One client against one address. It prints a JSON object a line: {"kind": …} is an event, {"at": {…}} is where it may
    resume. Started again by `until` when it ends early, as a user would (`restarts` counts that)."""

    def __init__(self, command, folder, wish):
        self.command, self.folder, self.wish = command, pathlib.Path(folder), dict(wish)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.events, self.restarts = [], 0
        self.at = {key: wish[key] for key in ("file", "position", "gtid")}
        self._since_at = 0  # events before the last place to resume at
        self._process = None

    def start(self):
        self.wish.update(self.at)
        config = self.folder / "wish.json"
        config.write_text(json.dumps(self.wish))
        config.chmod(0o600)
        self._lines = queue.Queue()
        self._log = open(self.folder / "log", "ab")
        self._process = subprocess.Popen([str(word) for word in (*self.command, config)], stdin=subprocess.DEVNULL,
                                         stdout=subprocess.PIPE, stderr=self._log, cwd=self.folder,
                                         start_new_session=True)
        threading.Thread(target=self._read, args=(self._process, self._lines), daemon=True).start()
        return self

    @property
    def running(self):
        return self._process is not None

    def wait_ready(self):
        """Until it has said where it is for the first time; what it says before, of a snapshot, is not kept."""
        line = ""
        while "at" not in (json.loads(line) if line else {}):
            try:
                line = self._lines.get(timeout=SECONDS_FOR_A_PART)
            except queue.Empty:
                raise GaveUp(f"not ready within {SECONDS_FOR_A_PART} s{self._said()}") from None
            if line is _END:
                raise GaveUp(f"it ended before it was ready{self._said()}")

    def until(self, name, timeout=SECONDS_FOR_A_PART, may_restart=False):
        """Reads until the transaction with the marker `name` has ended; what came."""
        begin, deadline, seen = len(self.events), time.monotonic() + timeout, False
        while True:
            try:
                line = self._lines.get(timeout=max(0.0, deadline - time.monotonic()))
            except queue.Empty:
                raise GaveUp(f"no {marker(name)} within {timeout} s after {len(self.events) - begin} events{self._said()}") from None
            if line is _END:
                if not may_restart or time.monotonic() > deadline:
                    raise GaveUp(f"it ended with {self._process.wait()} before {marker(name)}{self._said()}")
                del self.events[max(begin, self._since_at):]
                seen = False
                self.restarts += 1
                time.sleep(0.5)
                self.start()
                continue
            parsed = json.loads(line)
            if "at" in parsed:
                self.at = {**self.at, **parsed["at"]}
                self._since_at = len(self.events)
                if seen:
                    return self.events[begin:]
            else:
                self.events.append(parsed)
                seen = seen or marker(name) in line

    def stop(self):
        """SIGTERM, so that it can store where it is; SIGKILL when it does not mind."""
        if self._process is None:
            return
        process, self._process = self._process, None
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGTERM)
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
        self._log.close()

    def _said(self):
        text = (self.folder / "log").read_text(errors="replace").strip()
        return f"\n{text[-1500:]}" if text else ""

    @staticmethod
    def _read(process, lines):
        for line in process.stdout:
            if line.startswith((b'{"kind"', b'{"at"', b'{"fields"', b'{"header"')):
                lines.put(line.decode(errors="replace"))
        lines.put(_END)
