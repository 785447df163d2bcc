"""Makes every database server the tests use, so that no test waits for it; says which could not be made."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from lab import MariaDb, MySql  # noqa: E402


def main():
    failed = False
    for name, make in (("MariaDB of this machine", MariaDb), ("MariaDB 11.8", lambda: MariaDb(series="11.8")),
                       ("MySQL 9.7", MySql)):
        try:
            server = make().start()
            server.discard()
            print(f"{name}: {server.version} is ready", flush=True)
        except Exception as reason:  # noqa: BLE001 whatever it is, the others are tried
            failed = True
            print(f"{name}: {reason}", flush=True)
    sys.exit(1 if failed else 0)


main()
