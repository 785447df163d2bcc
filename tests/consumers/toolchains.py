"""Installs the clients' dependencies into the cache, keyed by their lock files, through the ordinary package clients.

What cannot be had here (no such tool, no registry) raises Unavailable with the reason. A folder is only used when its
installation came to an end, and is shared by every checkout on this machine.
"""

import hashlib
import os
import pathlib
import re
import shutil
import subprocess

from lab import machine
from lab.machine import Unavailable

HERE = pathlib.Path(__file__).resolve().parent
SECONDS_TO_INSTALL = 900
# What package clients say of a registry that is not there, in their own words.
NO_REGISTRY = re.compile(r"ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ETIMEDOUT|Name or service not known|name resolution|"
                         r"no such host|Connection refused|connection refused|Network is unreachable|i/o timeout|"
                         r"Unknown host|UnknownHostException|403 Forbidden|No matching distribution|Could not transfer|"
                         r"Could not find artifact|No plugin found for prefix|SELF_SIGNED_CERT|UNABLE_TO_(GET|VERIFY)_\w*CERT|"
                         r"UNABLE_TO_VERIFY_LEAF_SIGNATURE|certificate signed by unknown authority|CERTIFICATE_VERIFY_FAILED|"
                         r"PKIX path building failed|module lookup disabled")


def _program(name, why):
    path = shutil.which(name)
    if not path:
        raise Unavailable(f"no {name} here ({why})")
    return path


def _call(command, **more):
    try:
        done = subprocess.run([str(word) for word in command], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              errors="replace", timeout=SECONDS_TO_INSTALL, **more)
    except subprocess.TimeoutExpired:
        raise Unavailable(f"{pathlib.Path(command[0]).name} has not fetched its packages within {SECONDS_TO_INSTALL} s") from None
    if done.returncode == 0:
        return done.stdout
    said = (done.stderr + done.stdout).strip()
    if NO_REGISTRY.search(said):
        line = next(line for line in said.splitlines() if NO_REGISTRY.search(line))
        raise Unavailable(f"{pathlib.Path(command[0]).name} cannot fetch: {re.sub(r'https?://[^ )]+', 'the registry', line)[:200]}")
    raise RuntimeError(f"{' '.join(map(str, command))}: exit {done.returncode}\n{said[-3000:]}")


def installed(name, files, install, tools=""):
    """The folder in the cache where `install(folder)` has put what `files` (paths) lock; made once for each content."""
    state = hashlib.sha256(tools.encode())
    for file in files:
        state.update(file.name.encode() + b"\0" + file.read_bytes())
    folder = machine.cache_dir() / "consumers" / f"{name}-{state.hexdigest()[:16]}"
    with machine.cache_lock(f"consumer-{name}"):
        if not folder.exists():
            partial = folder.with_name(folder.name + ".partial")
            shutil.rmtree(partial, ignore_errors=True)
            partial.mkdir(parents=True)
            install(partial)
            partial.rename(folder)
    return folder


# ---- Python

def python_program(name):
    """The command that runs tests/consumers/<name>/main.py with what its requirements.txt names."""
    lock = HERE / name / "requirements.txt"

    def install(folder):
        made = subprocess.run(["/usr/bin/python3", "-m", "venv", "--system-site-packages", folder], capture_output=True, text=True)
        if made.returncode != 0:
            raise Unavailable("python3-venv is not installed (tools/install-packages consumers)")
        # By its path in the end: a virtual environment does not mind being moved when its programs are not called.
        _call([folder / "bin/python3", "-m", "pip", "install", "--quiet", "--no-deps", "--require-hashes",
               "--disable-pip-version-check", "-r", lock])

    return [installed(name, [lock], install) / "bin/python3", HERE / name / "main.py"]


# ---- Go

def go_program(name, oldest, package="."):
    """The command of tests/consumers/<name>, or of a `package` that its go.mod names, compiled; `oldest` is the Go that its
    dependencies need."""
    go = _program("go", "tools/install-packages consumers")
    said = _call([go, "version"], env={**os.environ, "GOTOOLCHAIN": "local"})
    version = re.search(r"go(\d+)\.(\d+)", said)
    if tuple(map(int, version.groups())) < oldest:
        raise Unavailable(f"Go {oldest[0]}.{oldest[1]} is needed, here is {version[1]}.{version[2]}")
    sources = sorted((HERE / name).glob("*.go"))

    def install(folder):
        environment = {**os.environ, "GOTOOLCHAIN": "local", "GOFLAGS": "-mod=readonly -buildvcs=false", "CGO_ENABLED": "0"}
        _call([go, "build", "-o", folder / "program", package], cwd=HERE / name, env=environment)

    return [installed(name, [HERE / name / "go.mod", HERE / name / "go.sum", *sources], install, said) / "program"]


# ---- Java

def java_program(name, main, options=(), oldest=17):
    """The command of tests/consumers/<name>/*.java compiled against the jars of its pom.xml, each of which must be what
    jars.sha256 says."""
    java, javac = _program("java", "tools/install-packages consumers"), _program("javac", "tools/install-packages consumers")
    maven = _program("mvn", "tools/install-packages consumers")
    said = subprocess.run([javac, "-version"], capture_output=True, text=True)
    version = re.search(r"javac (\d+)", said.stdout + said.stderr)
    if not version or int(version[1]) < oldest:
        raise Unavailable(f"Java {oldest} is needed, here is {version and version[1]}")
    folder = HERE / name
    lock = [folder / "pom.xml", folder / "jars.sha256"]

    def install_jars(into):
        _call([maven, "-B", "-q", "-ntp", "-f", folder / "pom.xml", "dependency:copy-dependencies", "-DincludeScope=runtime",
               f"-DoutputDirectory={into}"])
        expected = dict(reversed(line.split()) for line in (folder / "jars.sha256").read_text().splitlines())
        found = {jar.name: hashlib.sha256(jar.read_bytes()).hexdigest() for jar in into.glob("*.jar")}
        assert found == expected, f"{name}: not the jars that jars.sha256 names: {set(found.items()) ^ set(expected.items())}"

    jars = installed(f"{name}-jars", lock, install_jars)
    sources = sorted(folder.glob("*.java"))

    def compile_program(into):
        if sources:
            _call([javac, "-nowarn", "-cp", f"{jars}/*", "-d", into, *sources])

    classes = installed(name, [*lock, *sources], compile_program, version[1])
    # The settings of a short run: no second compiler, one collector thread.
    return [java, "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xshare:auto", "-Xmx512m", *options,
            "-cp", f"{folder}:{classes}:{jars}/*", main]


# ---- Node

def node_program(name, package, oldest):
    """The command of tests/consumers/<name>/main.js with what <name>/<package>/package-lock.json names."""
    node, npm = _program("node", "tools/install-packages consumers"), _program("npm", "tools/install-packages consumers")
    said = _call([node, "--version"])
    if int(re.match(r"v(\d+)", said)[1]) < oldest:
        raise Unavailable(f"Node.js {oldest} is needed, here is {said.strip()}")
    files = [HERE / name / package / "package.json", HERE / name / package / "package-lock.json"]

    def install(folder):
        for file in files:
            shutil.copy(file, folder)
        _call([npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"], cwd=folder)

    return [node, HERE / name / "main.js", installed(f"{name}-{package}", files, install, said)]
