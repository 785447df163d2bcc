"""Debian suites in directories of their own: servers that this machine's distribution does not carry."""

import os
import pathlib
import shutil

from . import machine
from .machine import Unavailable


def debian_mirror():
    """Where this machine itself gets Debian from; BINRELAY_DEBIAN_MIRROR overrides it."""
    chosen = os.environ.get("BINRELAY_DEBIAN_MIRROR")
    if chosen:
        return chosen
    codename = _os_release().get("VERSION_CODENAME", "")
    for uri, suites in _apt_sources():
        if codename in suites and uri.startswith(("http://", "https://")):
            return uri.rstrip("/")
    raise Unavailable(f"apt's sources name no mirror for {codename or 'this distribution'}; set BINRELAY_DEBIAN_MIRROR")


def _os_release():
    lines = pathlib.Path("/etc/os-release").read_text().splitlines()
    return {name: value.strip('"') for name, _, value in (line.partition("=") for line in lines)}


def _apt_sources():
    """(uri, suites) of every enabled entry, of both formats apt reads."""
    etc = pathlib.Path("/etc/apt")
    for path in [etc / "sources.list", *sorted(etc.glob("sources.list.d/*.list"))]:
        for line in path.read_text().splitlines() if path.exists() else []:
            words = line.split("#")[0].replace("]", "] ").split()
            if words[:1] != ["deb"]:
                continue
            words = words[1:]
            if words and words[0].startswith("["):
                closing = next(i for i, word in enumerate(words) if word.endswith("]"))
                words = words[closing + 1:]
            if len(words) >= 2:
                yield words[0], [words[1]]
    for path in sorted(etc.glob("sources.list.d/*.sources")):
        for stanza in path.read_text().split("\n\n"):
            fields = _deb822(stanza)
            if "deb" in fields.get("types", []) and fields.get("enabled", ["yes"]) != ["no"]:
                for uri in fields.get("uris", []):
                    yield uri, fields.get("suites", [])


def _deb822(stanza):
    fields, name = {}, None
    for line in stanza.splitlines():
        if line.startswith("#"):
            continue
        if line[:1].isspace() and name:
            fields[name] += line.split()
        elif ":" in line:
            name, _, value = line.partition(":")
            name = name.strip().lower()
            fields[name] = value.split()
    return fields


def provide(name, suite, packages, finish=lambda root: None):
    """The directory of a suite with these packages; made once (half a minute, 0.5 GB), then kept in the cache."""
    machine.become_root()
    root = machine.cache_dir() / "chroots" / name
    with machine.cache_lock(f"chroot-{name}"):
        if (root / "ready").exists():
            return root
        if not shutil.which("debootstrap"):
            raise Unavailable("debootstrap is not installed (tools/install-packages mysql)")
        shutil.rmtree(root, ignore_errors=True)
        root.parent.mkdir(parents=True, exist_ok=True)
        print(f"making {root} from Debian {suite} ({', '.join(packages)}), once", flush=True)
        try:
            machine.run(["debootstrap", "--variant=minbase", f"--include={','.join(packages)}", suite, root,
                         debian_mirror()])
        except RuntimeError as error:
            shutil.rmtree(root, ignore_errors=True)
            raise Unavailable(f"debootstrap of {suite} failed: {error}") from None
        shutil.rmtree(root / "var/cache/apt/archives", ignore_errors=True)
        finish(root)
        (root / "ready").touch()
    return root
