"""Runs commands in a directory that holds a whole Debian, as on a machine of its own."""

import subprocess

# In a mount namespace of its own, so that nothing stays mounted whatever happens.
_ENTER = """
set -e
mount --bind "$1" "$1"
mount -t proc proc "$1/proc"
mount --rbind /dev "$1/dev"
root=$1
shift
exec chroot "$root" /usr/bin/env -i HOME=/srv TERM=dumb CI=true LANG=C.UTF-8 \
  PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin sh -c 'cd /srv/binrelay && exec "$@"' sh "$@"
"""


def run(root, *command):
    """In its /srv/binrelay; the exit code. What it says goes where we say things."""
    return subprocess.run(["unshare", "--mount", "--pid", "--fork", "--kill-child", "sh", "-c", _ENTER, "sh", root, *command],
                          stdin=subprocess.DEVNULL).returncode
