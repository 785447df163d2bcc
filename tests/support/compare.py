"""What must be equal at the end of a scenario."""

EVENT_HEADER = 19
IN_USE_AT = 21  # flags of the format description: bit 0 is set while the server has the file open, and after its crash


def same_tables(source, *replicas):
    expected = source.checksum_tables()
    assert expected, f"{source.name} has no tables: nothing was compared"
    for replica in replicas:
        found = replica.checksum_tables()
        differing = {table: (expected.get(table), found.get(table)) for table in expected.keys() | found.keys()
                     if expected.get(table) != found.get(table)}
        assert not differing, f"{replica.name} differs from {source.name} (source, replica): {differing}"
    return len(expected)


def same_gtids(source, *replicas):
    for replica in replicas:
        if source.flavour == "mariadb":
            assert replica.has_transactions_of(source), \
                f"{replica.name} applied {replica.gtid_applied()}, {source.name} has {source.gtid_executed()}"
        elif source.gtid and replica.gtid:
            assert replica.gtid_executed() == source.gtid_executed(), \
                f"{replica.name} executed {replica.gtid_executed()}, {source.name} {source.gtid_executed()}"


def same_files(source, relay):
    """Every binary log file of the source, against the relay's copy; returns (files, bytes)."""
    copies = relay.segment_files()
    total = 0
    for original in source.binlog_files():
        assert original.name in copies, f"{relay.name} has no {original.name}, only {', '.join(copies)}"
        total += same_bytes(original, copies[original.name])
    return len(source.binlog_files()), total


def same_bytes(original, copy):
    """Compares two binary log files but for the IN_USE bit; the number of bytes."""
    offset = 0
    with open(original, "rb") as left, open(copy, "rb") as right:
        while True:
            expected, found = left.read(1 << 20), right.read(1 << 20)
            if offset == 0:
                expected, found = _masked(expected), _masked(found)
            if expected != found:
                at = next((i for i, pair in enumerate(zip(expected, found)) if pair[0] != pair[1]),
                          min(len(expected), len(found)))
                raise AssertionError(f"{copy} differs from {original} at byte {offset + at} "
                                     f"(sizes {copy.stat().st_size} and {original.stat().st_size})")
            offset += len(expected)
            if not expected:
                return offset


def same_generation(relay, generation, source):
    """The files of a generation that the relay keeps, against the source's; how many. The last was left where the source
    was, and one that the source's crash ended inside an event is stored up to that event."""
    copies = {name: path for name, path in relay.segment_files(generation).items() if ".broken-" not in name}
    compared = 0
    for name, copy in copies.items():
        original = source.datadir / name
        try:
            found = _masked(copy.read_bytes())
        except FileNotFoundError:
            continue  # purged meanwhile
        expected = _masked(original.read_bytes())
        begins = name == list(copies)[-1] or _is_torn(expected[len(found):])
        assert found == (expected[:len(found)] if begins else expected), \
            f"{copy} ({len(found)} bytes) differs from {original} ({len(expected)})"
        compared += 1
    return compared


def _is_torn(rest):
    """Whether a file's last bytes are less than an event."""
    size = int.from_bytes(rest[9:13], "little") if len(rest) >= EVENT_HEADER else EVENT_HEADER
    return 0 < len(rest) < size


def _masked(start):
    start = bytearray(start)
    if len(start) > IN_USE_AT:
        start[IN_USE_AT] &= 0xFE
    return bytes(start)
