"""Maxwell's stdout producer as a consumer: starts it and prints what it prints, in the form of ../README.md.

    main.py JAVA-COMMAND... WISH
"""

import json
import signal
import subprocess
import sys

*command, path = sys.argv[1:]
wish = json.load(open(path))
store = f"maxwell_{wish['server_id']}"
settings = {
    # Its own tables are on the source: `host`. What it reads comes from replication_host.
    "host": "127.0.0.1", "port": wish["store_port"], "user": wish["store_user"], "password": wish["store_password"],
    "replication_host": wish["host"], "replication_port": wish["port"], "replication_user": wish["user"],
    "replication_password": wish["password"],
    "schema_host": "127.0.0.1", "schema_port": wish["store_port"], "schema_user": wish["store_user"],
    "schema_password": wish["store_password"],
    "schema_database": store, "client_id": store, "replica_server_id": wish["server_id"],
    "filter": "exclude: *.*, include: shop.*, include: lab.*", "producer": "stdout", "output_ddl": "true",
    "output_binlog_position": "true", "output_commit_info": "true", "output_nulls": "true", "output_server_id": "true",
    "jdbc_options": "useSSL=false",
}
words = [f"--{name}={value}" for name, value in settings.items()]
running = subprocess.Popen([*command, *words], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
signal.signal(signal.SIGTERM, lambda *_: running.terminate())
for line in running.stdout:
    if not line.startswith(b"{"):
        print(line.decode(errors="replace").strip(), file=sys.stderr, flush=True)
        if b"Binlog connected" in line:
            print(json.dumps({"at": {}}), flush=True)
        continue
    row = json.loads(line)
    print(json.dumps({"kind": row.get("type"), "fields": row}), flush=True)
    if row.get("commit") or "sql" in row:
        print(json.dumps({"at": {}}), flush=True)
sys.exit(running.wait())
