"""Steps that many scenarios share."""

import compare
from workload import Workload


def follow(replica, relay, mode, file=None, pos=4, **more):
    """The replica follows the relay from the first file, or from the place given."""
    replica.start_replica(relay.host, relay.port, relay.user, relay.password, mode,
                          file=file or relay.source.binlog_names()[0], pos=pos, **more)


def settle(stage, source, relay, *replicas):
    """Waits until everybody has everything, then compares everything."""
    for replica in replicas:
        replica.wait_replica_caught_up(source)
    relay.caught_up_with(source)
    stage.say("caught up")
    tables = compare.same_tables(source, *replicas)
    compare.same_gtids(source, *replicas)
    stage.say(f"{tables} tables and all transactions equal on {len(replicas)} replica(s)")
    if not getattr(source, "encryption", False):
        files, size = compare.same_files(source, relay)
        stage.say(f"{files} files, {size} bytes equal")


def whole_workload(stage, source, make_replica, mode, **workload):
    """Everything the workload can do passes through a relay to a replica that follows it live."""
    relay = stage.relay(source)
    replica = make_replica()
    follow(replica, relay, mode)
    Workload(source).run(say=stage.say, **workload)
    settle(stage, source, relay, replica)


def raw_copies(client, program, server, port, user, password, first, *arguments):
    """Lets `client`'s mysqlbinlog copy a server's files from `first` on; {name: path}."""
    folder = client.scratch("raw")
    client.run_client(program, "--no-defaults", "--read-from-remote-server", "--raw", "--to-last-log", "--host=127.0.0.1",
                      f"--port={port}", f"--user={user}", f"--password={password}", *arguments,
                      f"--result-file={client.inside(folder)}/", first)
    copies = {path.name: path for path in sorted(folder.iterdir())}
    assert copies, f"{program} wrote no file"
    return copies

