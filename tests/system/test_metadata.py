"""Statements about table definitions: answered as the source answers them, within an account's bounds, and nothing else
of what a client says ever reaches the source."""

import itertools
import pathlib
import re
import sys

import pymysql
from pymysql.constants import CLIENT

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))

import scenario  # noqa: E402

from lab.machine import wait_until  # noqa: E402

ASKED = "definitions"  # the source's account that is asked with
SCHEMA = (
    "CREATE DATABASE shop DEFAULT CHARACTER SET utf8mb4",
    "CREATE DATABASE `订单 库`",
    "CREATE TABLE shop.customers (id INT PRIMARY KEY AUTO_INCREMENT, name VARCHAR(40) NOT NULL COMMENT 'it''s a \\\\ name', "
    "mail VARCHAR(80) CHARACTER SET latin1, born DATE, UNIQUE KEY (mail), KEY by_name (name(10)))",
    "CREATE TABLE shop.orders (id BIGINT UNSIGNED PRIMARY KEY, customer INT, price DECIMAL(10,2) DEFAULT 1.5, "
    "at TIMESTAMP(3) DEFAULT CURRENT_TIMESTAMP(3), kind ENUM('a','b''c') DEFAULT 'a', tags SET('x','y'), note TEXT, doc JSON, "
    "twice DECIMAL(12,2) AS (price * 2) VIRTUAL, CONSTRAINT positive CHECK (price > 0), "
    "CONSTRAINT of_customer FOREIGN KEY (customer) REFERENCES customers (id) ON DELETE CASCADE)",
    "CREATE VIEW shop.cheap AS SELECT id, price FROM shop.orders WHERE price < 10",
    "CREATE TABLE `订单 库`.`表 ``一` (`编号` INT PRIMARY KEY COMMENT '中文')",
    "CREATE TABLE shop.secret (id INT PRIMARY KEY)",
)
# As clients ask. {d} is a database.
STATEMENTS = (
    "SHOW DATABASES", "SHOW DATABASES LIKE 'sh%'", "show schemas where `Database` = 'shop'",
    "SHOW TABLES FROM {d}", "SHOW FULL TABLES IN `{d}`", "SHOW FULL TABLES IN `{d}` where Table_Type = 'BASE TABLE'",
    "show full tables from `{d}` where Table_type = 'BASE TABLE'", "SHOW TABLES FROM {d} LIKE 'or%'", "SHOW TABLES LIKE 'c\\_%'",
    "SHOW CREATE TABLE orders", "show create table `{d}`.`customers`", "/* ApplicationName=x */ SHOW CREATE TABLE {d}.orders;",
    "SHOW CREATE TABLE {d}.cheap", "SHOW CREATE VIEW {d}.cheap", "SHOW CREATE DATABASE {d}", "SHOW CREATE TABLE {d}.nothing",
    "SHOW CREATE TABLE nowhere.t", "DESC {d}.orders", "describe `orders` price", "DESC orders 'p%'",
    "SHOW COLUMNS FROM orders FROM {d}", "show full columns from `{d}`.`orders`", "SHOW FIELDS FROM {d}.orders LIKE '%i%'",
    "SHOW FULL COLUMNS FROM {d}.orders WHERE Field = 'price' OR Type LIKE 'dec%'",
    "show index from `{d}`.`customers`", "SHOW KEYS FROM customers IN {d}", "SHOW INDEXES FROM {d}.orders WHERE Key_name = 'PRIMARY'",
    "SHOW ENGINES", "SHOW CREATE TABLE `订单 库`.`表 ``一`", "SHOW FULL COLUMNS FROM `订单 库`.`表 ``一`",
    "SELECT COLUMN_NAME, COLLATION_NAME, CHARACTER_SET_NAME, COLUMN_COMMENT, COLUMN_TYPE FROM information_schema.columns "
    "WHERE table_schema='{d}' AND table_name='orders' ORDER BY ORDINAL_POSITION",
    "SELECT COLUMN_NAME, COLUMN_COMMENT FROM information_schema.columns WHERE table_schema='订单 库' AND table_name='表 `一'",
    "SELECT schema_name, default_character_set_name, default_collation_name FROM information_schema.schemata ORDER BY 1",
    "SELECT SCHEMA_NAME, DEFAULT_CHARACTER_SET_NAME FROM INFORMATION_SCHEMA.SCHEMATA WHERE SCHEMA_NAME IN ('{d}', 'x')",
    "SELECT TABLES.TABLE_NAME, CCSA.CHARACTER_SET_NAME FROM INFORMATION_SCHEMA.TABLES JOIN "
    "information_schema.COLLATION_CHARACTER_SET_APPLICABILITY AS CCSA ON TABLES.TABLE_COLLATION = CCSA.COLLATION_NAME "
    "WHERE TABLES.TABLE_SCHEMA = '{d}' ORDER BY TABLES.TABLE_NAME",
    "SELECT TABLE_NAME,COLUMN_NAME,DATA_TYPE,CHARACTER_SET_NAME,ORDINAL_POSITION,COLUMN_TYPE,DATETIME_PRECISION,COLUMN_KEY FROM "
    "`information_schema`.`COLUMNS` WHERE TABLE_SCHEMA = '{d}' ORDER BY TABLE_NAME, ORDINAL_POSITION",
    "SELECT TABLE_NAME, COLUMN_NAME, ORDINAL_POSITION FROM information_schema.KEY_COLUMN_USAGE WHERE CONSTRAINT_NAME = 'PRIMARY' "
    "AND TABLE_SCHEMA = '{d}' ORDER BY TABLE_NAME, ORDINAL_POSITION",
    "SELECT CONSTRAINT_NAME, CHECK_CLAUSE FROM information_schema.check_constraints WHERE constraint_schema = '{d}'",
    "SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = DATABASE()",
    "SELECT count(distinct table_name) AS n, MAX(ordinal_position) FROM information_schema.columns WHERE table_schema = '{d}'",
    "SELECT table_name, IF(is_nullable = 'YES', 1, 0) FROM information_schema.columns WHERE table_schema='{d}' AND NOT column_name "
    "LIKE 'i%' AND ordinal_position BETWEEN 2 AND 3 AND column_default IS NULL ORDER BY table_name DESC, column_name LIMIT 3",
    "SELECT t.table_name, c.column_name FROM information_schema.tables t LEFT JOIN information_schema.columns c ON "
    "t.table_name = c.table_name AND t.table_schema = c.table_schema WHERE t.table_schema = '{d}' ORDER BY 1, 2",
    "SELECT * FROM information_schema.statistics WHERE table_schema = '{d}' AND table_name = 'customers' ORDER BY index_name, seq_in_index",
    "SELECT nothing FROM information_schema.tables",
)
CARRIERS = (
    "{x}", "SHOW TABLES; {x}", "SHOW TABLES /*! ; {x} */", "/*! {x} */", "/*M! {x} */", "/*!99999 {x} */", "SHOW TABLES -- \n; {x}",
    "SHOW TABLES LIKE '\\'; {x} -- '", "SHOW TABLES LIKE \"'; {x} -- \"", "SHOW CREATE TABLE `a``; {x}; --`", "DESC `a\\`; {x} -- `",
    "SHOW TABLES WHERE ({x})", "SHOW TABLES WHERE 1 OR ({x}) = 1", "SELECT ({x}) FROM information_schema.tables",
    "SELECT table_name FROM information_schema.tables WHERE table_name = ({x})",
    "SELECT table_name FROM information_schema.tables UNION {x}", "EXPLAIN {x}", "PREPARE p FROM '{q}'",
    "SELECT table_name FROM information_schema.tables WHERE table_name = '\xbf\x5c'; {x} -- '",
    "SHOW TABLES LIKE 'a' INTO OUTFILE '/tmp/x'; {x}",
)
HARM = (
    "DELETE FROM shop.canary", "DROP TABLE shop.canary", "SELECT SLEEP(5)", "SELECT * FROM shop.canary FOR UPDATE",
    "SELECT * FROM mysql.user", "SELECT 1 INTO OUTFILE '/tmp/smuggled'", "SELECT LOAD_FILE('/etc/hostname')",
    "LOCK TABLES shop.canary WRITE", "FLUSH TABLES WITH READ LOCK", "SET GLOBAL read_only = 1", "CALL shop.harm()",
    "SELECT GET_LOCK('x', 1)", "SELECT shop.harmful()", "KILL 1",
)
ALONE = (
    b"SHOW CREATE TABLE `\xbf`; DROP TABLE shop.canary -- `", b"SHOW TABLES LIKE '\xbf\\'; DROP TABLE shop.canary -- '",
    b"SHOW TABLES LIKE '\x81\\' OR '; DELETE FROM shop.canary -- '", "ＳＨＯＷ TABLES".encode(), b"SHOW TABLES\0; DROP TABLE shop.canary",
    b"SHOW TABLES WHERE shop.harmful()", b"SELECT harmful() FROM information_schema.tables", b"SHOW COLUMNS FROM t FROM d; KILL 1",
    b"SELECT * FROM information_schema.processlist", b"SELECT * FROM information_schema.tables, mysql.user",
    b"SELECT @@datadir FROM information_schema.tables", b"SELECT * FROM information_schema.tables LOCK IN SHARE MODE",
    b"SELECT BENCHMARK(1000000000, MD5(1)) FROM information_schema.tables", b"TABLE shop.canary", b"HANDLER shop.canary OPEN",
    b"SHOW CREATE PROCEDURE shop.harm", b"SHOW GRANTS FOR root@localhost", b"SHOW ENGINE INNODB STATUS", b"XA RECOVER",
    b"SELECT table_name INTO @x FROM information_schema.tables", b"DO SLEEP(5)", b"SHOW TABLES PROCEDURE ANALYSE()",
    b"SELECT * FROM information_schema.`tables` WHERE table_name = _utf16 x'0027'", b"VALUES ROW(1)", b"SHOW TABLES;;;DROP TABLE shop.canary",
)
HEADS = re.compile(r"SHOW (DATABASES|(FULL )?TABLES|TABLE STATUS|(FULL )?COLUMNS|INDEX|CREATE (TABLE|VIEW|DATABASE)|ENGINES)\b"
                   r"|SELECT .* FROM `information_schema`\.`[A-Z_]+` AS |SELECT 1 FROM `information_schema`\.`SCHEMATA` WHERE |SET SESSION |USE `")


def _asker(source, *grants):
    user, password = source.add_replication_account(ASKED)
    source.unlogged(*(f"GRANT {grant} ON *.* TO {ASKED}@'127.0.0.1'" for grant in grants))
    source.connect(user=user, password=password).close()  # MySQL knows the password from now on
    return user, password


def _relay(stage, source, login, **limits):
    relay = stage.relay(source, limits=limits or None)
    settings = relay.asking_source_as(*login)
    relay.add_account("all", **settings)
    relay.add_account("bounded", allow=["shop.orders", "shop.c*"], **settings)
    relay.add_account("without")
    return relay.restart()


def _connect(relay, user, **more):
    return relay.connect(user=user, password=relay.accounts[user][0], **more)


def _answer(connection, statement):
    with connection.cursor() as cursor:
        try:
            cursor.execute(statement)
            return [column[:2] for column in cursor.description], list(cursor.fetchall())
        except pymysql.err.MySQLError as error:
            return error.args


def _same_answers(stage, source, relay, login):
    here, there = source.connect("shop", *login), _connect(relay, "all", database="shop")
    for statement in (each.format(d="shop") for each in STATEMENTS):
        expected, found = _answer(here, statement), _answer(there, statement)
        assert found == expected, f"{statement}:\nsource: {expected}\nrelay:  {found}"
    stage.say(f"{len(STATEMENTS)} answers equal the source's: names, types and values")
    for database, answer in (("shop", None), ("订单 库", None), ("nowhere", 1049), ("information_schema", None)):
        got = _answer(there, f"USE `{database}`") if answer else there.select_db(database)
        assert got == answer or got[0] == answer, (database, got)
    there.select_db("shop")
    assert _answer(there, "SHOW TABLES")[1] == _answer(here, "SHOW TABLES")[1]


def _bounds(stage, relay):
    """allow = ["shop.orders", "shop.c*"]"""
    bounded = _connect(relay, "bounded")
    rows = lambda statement: [row[0] for row in _answer(bounded, statement)[1]]  # noqa: E731
    assert rows("SHOW DATABASES") == ["information_schema", "shop"], rows("SHOW DATABASES")
    assert rows("SHOW TABLES FROM shop") == ["cheap", "customers", "orders"]
    assert sorted(rows("SELECT table_name FROM information_schema.tables WHERE table_schema <> 'information_schema'")) == \
        ["cheap", "customers", "orders"]
    assert rows("SELECT schema_name FROM information_schema.schemata ORDER BY 1") == ["information_schema", "shop"]
    assert _answer(bounded, "SELECT constraint_name FROM information_schema.check_constraints")[1] in ((), [])
    for statement, code in (("SHOW CREATE TABLE shop.secret", 1142), ("DESC shop.secret", 1142), ("SHOW TABLES FROM mysql", 1044),
                            ("SHOW INDEX FROM `订单 库`.x", 1142), ("SHOW CREATE DATABASE mysql", 1044), ("USE mysql2", 1044)):
        assert _answer(bounded, statement)[0] == code, (statement, _answer(bounded, statement))
    # What is there and what is not sound the same.
    for asked, hidden, missing in (("SHOW CREATE TABLE shop.`{}`", "secret", "nothing"), ("DESC shop.`{}`", "secret", "nothing"),
                                   ("SHOW INDEX FROM shop.`{}`", "secret", "nothing"), ("SHOW TABLES FROM `{}`", "订单 库", "nowhere"),
                                   ("SHOW CREATE DATABASE `{}`", "订单 库", "nowhere"), ("USE `{}`", "订单 库", "nowhere")):
        told, not_there = (_answer(bounded, asked.format(name)) for name in (hidden, missing))
        assert (told[0], told[1].replace(hidden, missing)) == not_there, f"{asked}: {told}, {not_there}"
    without = _connect(relay, "without")
    for statement in ("SHOW CREATE TABLE shop.orders", "SELECT * FROM information_schema.tables", "DESC shop.orders"):
        code, text = _answer(without, statement)
        assert code in (1064, 1290), (code, text)
    stage.say("an allow-list binds, and an account without metadata_user reaches no source")


def _definitions(stage, source):
    stage.needs_relay()
    for statement in SCHEMA:
        source.sql(statement.replace("%", "%%"))
    login = _asker(source, "SELECT", "SHOW VIEW")
    relay = _relay(stage, source, login)
    _same_answers(stage, source, relay, login)
    _bounds(stage, relay)
    source.stop()
    answer = _answer(_connect(relay, "all"), "SHOW CREATE TABLE shop.orders")
    assert answer[0] == 1105 and "source" in answer[1], answer
    source.start()
    wait_until("the source is asked again", lambda: _answer(_connect(relay, "all"), "SHOW DATABASES")[0] != 1105, 60)
    stage.say("with the source away it is an error of its own, and no more once it is back")


def _smuggling(stage, source):
    """An account of the source that could do all the harm there is; what reached the source is in its own log."""
    stage.needs_relay()
    for statement in ("CREATE DATABASE shop", "CREATE TABLE shop.canary (id INT PRIMARY KEY)", "INSERT INTO shop.canary VALUES (1)",
                      "CREATE PROCEDURE shop.harm() DELETE FROM shop.canary",
                      "CREATE FUNCTION shop.harmful() RETURNS INT NOT DETERMINISTIC NO SQL RETURN SLEEP(5)"):
        source.sql(statement)
    relay = _relay(stage, source, _asker(source, "ALL"))
    source.sql("SET GLOBAL log_output = 'TABLE'")
    source.sql("SET GLOBAL general_log = ON")
    tries = [carrier.replace("{x}", harm).replace("{q}", harm.replace("'", "''")).encode("latin-1")
             for carrier, harm in itertools.product(CARRIERS, HARM)] + list(ALONE)
    for names in ("", "gbk", "big5", "sjis"):
        connection = _connect(relay, "all", database="shop", client_flag=CLIENT.MULTI_STATEMENTS)
        if names:
            _try(connection, f"SET NAMES {names}".encode())
        for text in tries:
            _try(connection, text)
        connection.close()
    source.sql("SET GLOBAL general_log = OFF")
    # As the log has it: what the account said is all from the relay.
    said = [row[0].decode() if isinstance(row[0], bytes) else row[0] for row in source.sql(
        "SELECT argument FROM mysql.general_log WHERE command_type = 'Query' AND (user_host LIKE %s OR thread_id IN (SELECT thread_id "
        "FROM mysql.general_log WHERE command_type = 'Connect' AND argument LIKE %s))", f"%[{ASKED}]%", f"{ASKED}@%")]
    strange = [text for text in said if not HEADS.match(text) and not text.startswith("SET NAMES")]
    assert said and not strange, f"reached the source: {strange[:5]} of {len(said)}"
    assert source.value("SELECT COUNT(*) FROM shop.canary") == 1
    stage.say(f"{len(tries)} tries in 4 character sets; {len(said)} statements reached the source, all of them written anew")


def _try(connection, text):
    try:
        if not connection.open:
            connection.connect()
        connection._execute_command(3, text)  # COM_QUERY
        connection._read_query_result()
        while connection._result.has_next:
            connection.next_result()
    except pymysql.err.MySQLError:
        pass


def _limits(stage, source):
    stage.needs_relay()
    source.sql("CREATE DATABASE shop")
    source.sql("CREATE TABLE shop.orders (id INT PRIMARY KEY)")
    relay = _relay(stage, source, _asker(source, "SELECT"), metadata_rows=100, metadata_seconds=2, metadata_connections=2)
    connection = _connect(relay, "all", database="shop")
    assert _answer(connection, "SELECT * FROM information_schema.collations")[0] == 1104
    assert _answer(connection, "SHOW TABLES")[1][0][0] == "orders"
    endless = ("SELECT COUNT(*) FROM information_schema.columns a, information_schema.columns b, information_schema.columns c, "
               "information_schema.columns d WHERE a.column_name <> b.column_name OR c.column_name <> d.column_name")
    code, text = _answer(connection, endless)
    assert code in (3024, 1969, 1105), (code, text)
    assert _answer(connection, "SHOW TABLES")[1][0][0] == "orders"
    stage.say(f"100 rows and 2 seconds are the limit: {code} {text}")
    held = [_connect(relay, "all") for _ in range(3)]
    for each in held:
        each._execute_command(3, endless.encode())
    codes = set()
    for each in held:
        try:
            each._read_query_result()
        except pymysql.err.MySQLError as error:
            codes.add(error.args[0])
    assert 1040 in codes and len(codes) > 1, codes
    stage.say("and two at a time")


def mysql_definitions(stage):
    _definitions(stage, stage.mysql("source"))


def mariadb_definitions(stage):
    _definitions(stage, stage.mariadb("source", series="10.11"))


def mariadb_118_definitions(stage):
    _definitions(stage, stage.mariadb("source", series="11.8"))


def mysql_smuggling(stage):
    _smuggling(stage, stage.mysql("source"))


def mariadb_smuggling(stage):
    _smuggling(stage, stage.mariadb("source", series="10.11"))


def mysql_limits_of_definitions(stage):
    _limits(stage, stage.mysql("source"))


def mariadb_limits_of_definitions(stage):
    _limits(stage, stage.mariadb("source", series="10.11"))


scenario.main(mysql_definitions, mariadb_definitions, mariadb_118_definitions, mysql_smuggling, mariadb_smuggling,
              mysql_limits_of_definitions, mariadb_limits_of_definitions)
