"""What the lab takes from the machine: a cache folder, scratch folders, free ports, an unprivileged account."""

import atexit
import contextlib
import ctypes
import fcntl
import os
import pathlib
import pwd
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]

_libc = ctypes.CDLL(None)
_scratch = []
_claims = []

# Below those that Linux gives to outgoing connections: a server that restarts finds its port free.
PORTS = range(20000, 32000)


class Unavailable(Exception):
    """Something the machine would have to offer is missing; says what."""


def cache_dir():
    chosen = os.environ.get("BINRELAY_CACHE") or pathlib.Path.home() / ".cache" / "binrelay"
    path = pathlib.Path(chosen).resolve()
    path.mkdir(parents=True, exist_ok=True)
    return path


@contextlib.contextmanager
def cache_lock(name):
    """One process at a time fills a cache entry."""
    with open(cache_dir() / f"{name}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def become_root():
    """Continues as root through sudo: only root may change its root directory."""
    if os.geteuid() == 0:
        return
    if not shutil.which("sudo"):
        raise Unavailable("needs root or sudo, to run a server in a directory of its own")
    kept = [f"{name}={value}" for name, value in os.environ.items() if name.startswith("BINRELAY")]
    sys.stdout.flush()
    asking = [] if sys.stdin.isatty() else ["-n"]
    os.execvp("sudo", ["sudo", *asking, "-H", "env", *kept, sys.executable, *sys.argv])


def server_account():
    """Database servers never run as root: a throw-away one has no business with root's files."""
    return pwd.getpwnam("nobody") if os.geteuid() == 0 else pwd.getpwuid(os.geteuid())


def scratch(name, parent=None):
    """A new folder, owned by the account the servers run as, removed at exit unless BINRELAY_KEEP is set."""
    parent = pathlib.Path(parent or tempfile.gettempdir())
    _sweep(parent)
    owner = "kept" if os.environ.get("BINRELAY_KEEP") else f"lab{os.getpid()}"
    path = pathlib.Path(tempfile.mkdtemp(prefix=f"binrelay-{owner}-{name}-", dir=parent))
    give_to_servers(path)
    _scratch.append(path)
    return path


def _sweep(parent):
    """Removes what labs that were killed have left: their folders carry their process id."""
    for path in parent.glob("binrelay-lab*-*"):
        owner = path.name.removeprefix("binrelay-lab").partition("-")[0]
        if owner.isdigit() and not pathlib.Path(f"/proc/{owner}").exists():
            shutil.rmtree(path, ignore_errors=True)


def give_to_servers(path):
    if os.geteuid() == 0:
        account = server_account()
        os.chown(path, account.pw_uid, account.pw_gid)


def free_port():
    """A port nobody listens on and no other lab takes: claimed, while this process lives, by an abstract socket's name."""
    while True:
        port = random.choice(PORTS)
        claim = socket.socket(socket.AF_UNIX)
        try:
            claim.bind(f"\0binrelay-lab-port-{port}")
            with socket.socket() as probe:
                probe.bind(("127.0.0.1", port))
        except OSError:
            claim.close()
            continue
        _claims.append(claim)
        return port


def listens(port):
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def wait_until(what, condition, timeout, pause=0.05):
    """Returns the first true answer of condition(); TimeoutError names what was waited for."""
    deadline = time.monotonic() + timeout
    while True:
        answer = condition()
        if answer:
            return answer
        if time.monotonic() > deadline:
            raise TimeoutError(f"not within {timeout} s: {what() if callable(what) else what}")
        time.sleep(pause)


def _settle(account, chroot, drop_root):
    """In the child, before exec: its root directory and its account."""
    if chroot:
        os.chroot(chroot)
        os.chdir("/")
    if drop_root and os.geteuid() == 0:
        os.setgroups([])
        os.setgid(account.pw_gid)
        os.setuid(account.pw_uid)


class Process:
    """A program of the lab's own: in its own session, stopped by its id, gone when the lab goes."""

    _running = set()

    def __init__(self, command, log, chroot=None, drop_root=False, **popen):
        account = server_account()

        def prepare():
            _settle(account, chroot, drop_root)
            _libc.prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG, for a lab that is killed itself

        self.log = log
        with open(log, "ab") as output:
            self._popen = subprocess.Popen(
                [str(word) for word in command], stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                start_new_session=True, preexec_fn=prepare, **popen)
        Process._running.add(self)

    @property
    def pid(self):
        return self._popen.pid

    def poll(self):
        return self._popen.poll()

    def signal(self, number):
        if self._popen.poll() is None:
            self._popen.send_signal(number)

    def wait(self, timeout=None):
        code = self._popen.wait(timeout)
        Process._running.discard(self)
        return code

    def stop(self, timeout=60):
        """SIGTERM and patience, then SIGKILL; the exit code."""
        self.signal(signal.SIGTERM)
        try:
            return self.wait(timeout)
        except subprocess.TimeoutExpired:
            return self.kill()

    def kill(self):
        self.signal(signal.SIGKILL)
        return self.wait()

    def memory_bytes(self, field="VmRSS"):
        """Resident memory; field "VmHWM" is its peak."""
        for line in pathlib.Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith(field + ":"):
                return int(line.split()[1]) * 1024
        return 0

    @classmethod
    def kill_all(cls):
        for process in list(cls._running):
            process.signal(signal.SIGKILL)
        for process in list(cls._running):
            process.wait()


def run(command, chroot=None, drop_root=False, check=True, stdin=subprocess.DEVNULL, **popen):
    """Runs a program to its end and returns the CompletedProcess; a failure shows what the program said."""
    account = server_account()
    done = subprocess.run([str(word) for word in command], stdin=stdin, capture_output=True,
                          preexec_fn=lambda: _settle(account, chroot, drop_root), **popen)
    if check and done.returncode != 0:
        said = (done.stderr + done.stdout).decode(errors="replace")[-2000:]
        raise RuntimeError(f"{' '.join(str(word) for word in command)}: exit {done.returncode}\n{said}")
    return done


def _end(number, _frame):
    raise SystemExit(128 + number)


def clean_up():
    """Ends every process and removes every folder of this lab."""
    Process.kill_all()
    if os.environ.get("BINRELAY_KEEP"):
        print("kept:", *_scratch, sep="\n  ")
    else:
        for path in _scratch:
            shutil.rmtree(path, ignore_errors=True)
    _scratch.clear()


signal.signal(signal.SIGTERM, _end)
signal.signal(signal.SIGHUP, _end)
atexit.register(clean_up)
