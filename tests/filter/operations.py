"""Every way to change rows, on tables t0 to t7 of `combos`: bit 0 of a table's number says that inserts of it are monitored,
bit 1 updates, bit 2 deletes."""

RULES = {("combos", f"{kind}{number}"): tuple(number >> bit & 1 for bit in range(3))
         for number in range(8) for kind in ("t", "parent", "child", "copied")}


def rule_rows():
    return [(number + 1, *name, *flags) for number, (name, flags) in enumerate(sorted(RULES.items()))]


def run(source, settings=()):
    """All of it in one session that begins with `settings`."""
    mysql = source.flavour == "mysql"
    source.sql("CREATE DATABASE combos")
    for number in range(8):
        source.sql(f"CREATE TABLE combos.t{number} (id INT PRIMARY KEY, v INT, j {'JSON' if mysql else 'TEXT'}, t VARCHAR(400))")
        source.sql(f"CREATE TABLE combos.parent{number} (id INT PRIMARY KEY)")
    for number in range(8):
        source.sql(f"CREATE TABLE combos.child{number} (id INT PRIMARY KEY, p INT, FOREIGN KEY (p) REFERENCES "
                   f"combos.parent{7 - number} (id) ON DELETE CASCADE ON UPDATE CASCADE)")
    with source.connect("combos") as connection, connection.cursor() as cursor:
        for setting in settings:
            cursor.execute(setting)
        for number in range(8):
            _one_table(cursor, number, mysql)
        for first in range(8):
            for second in range(8):
                if first != second:
                    _two_tables(cursor, first, second)
        _whole_transaction(cursor)
        for number in range(8):
            _families(cursor, number)
        for number in range(8):
            _load(source, cursor, number)
            _xa(source, cursor, number)
            cursor.execute(f"CREATE TABLE copied{number} (id INT PRIMARY KEY) SELECT id FROM t{number}")
            cursor.execute(f"TRUNCATE t{number}")
            cursor.execute(f"INSERT INTO t{number} VALUES (1, 1, '[1]', 'again')")


def _one_table(cursor, number, mysql):
    document = '{"a": "' + "x" * 100 + '", "b": 1}'
    cursor.execute(f"INSERT INTO t{number} VALUES (1, 1, '{document}', 'one')")
    cursor.execute(f"INSERT INTO t{number} VALUES (2, 2, '{document}', 'two'), (3, 3, NULL, NULL), (4, 4, NULL, '{'y' * 300}')")
    cursor.execute(f"UPDATE t{number} SET v = v + 10 WHERE id < 4")
    if mysql:
        cursor.execute(f"UPDATE t{number} SET j = JSON_SET(j, '$.b', 2) WHERE id <= 2")
    cursor.execute(f"REPLACE INTO t{number} VALUES (1, 5, NULL, 'replaced'), (5, 5, NULL, 'new')")
    cursor.execute(f"INSERT INTO t{number} VALUES (2, 6, NULL, 'd'), (6, 6, NULL, 'd') ON DUPLICATE KEY UPDATE v = v + 100")
    cursor.execute(f"DELETE FROM t{number} WHERE id = 4")


def _two_tables(cursor, first, second):
    cursor.execute(f"UPDATE t{first} a JOIN t{second} b ON a.id = b.id SET a.v = a.v + 1, b.v = b.v + 1 WHERE a.id < 4")
    cursor.execute("BEGIN")
    cursor.execute(f"INSERT INTO t{first} VALUES (100, 1, NULL, 'x')")
    cursor.execute(f"INSERT INTO t{second} VALUES (100, 1, NULL, 'x')")
    cursor.execute(f"DELETE a, b FROM t{first} a JOIN t{second} b ON a.id = b.id WHERE a.id = 100")
    cursor.execute(f"INSERT INTO t{second} VALUES (101, 1, NULL, 'after it')")
    cursor.execute(f"DELETE FROM t{second} WHERE id = 101")
    cursor.execute("COMMIT")


def _whole_transaction(cursor):
    cursor.execute("BEGIN")
    for number in range(8):
        cursor.execute(f"UPDATE t{number} SET v = v * 2")
        cursor.execute("SAVEPOINT s")
        cursor.execute(f"INSERT INTO t{number} VALUES (200, 1, NULL, 'gone')")
        cursor.execute("ROLLBACK TO s")
    cursor.execute("COMMIT")


def _families(cursor, number):
    other = 7 - number
    cursor.execute(f"INSERT INTO parent{other} VALUES (1), (2), (3)")
    cursor.execute(f"INSERT INTO child{number} VALUES (1, 1), (2, 1), (3, 2), (4, 3)")
    cursor.execute(f"UPDATE parent{other} SET id = 10 WHERE id = 2")
    cursor.execute(f"DELETE FROM parent{other} WHERE id = 1")


def _load(source, cursor, number):
    path = source.dir / f"rows{number}"
    path.write_text("300\t1\t\\N\tloaded\n301\t2\t\\N\tloaded\n")
    path.chmod(0o644)
    cursor.execute(f"LOAD DATA INFILE '{source.inside(path)}' INTO TABLE t{number}")


def _xa(source, cursor, number):
    for end in ("COMMIT", "ROLLBACK"):
        name = f"'x{number}{end}'"
        cursor.execute(f"XA START {name}")
        cursor.execute(f"INSERT INTO t{number} VALUES (400, 1, NULL, 'xa')")
        cursor.execute(f"UPDATE t{(number + 1) % 8} SET v = v + 1 WHERE id = 1")
        cursor.execute(f"XA END {name}")
        cursor.execute(f"XA PREPARE {name}")
        source.sql("FLUSH BINARY LOGS")
        cursor.execute(f"XA {end} {name}")
        cursor.execute(f"XA START {name}")
        cursor.execute(f"DELETE FROM t{number} WHERE id >= 400")
        cursor.execute(f"XA END {name}")
        cursor.execute(f"XA COMMIT {name} ONE PHASE")
