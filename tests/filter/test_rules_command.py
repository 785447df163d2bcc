"""binrelay rules show, test and explain: what they say of a log is what a consumer receives of it."""

import json
import pathlib
import sys

sys.path[:0] = [str(pathlib.Path(__file__).resolve().parents[1] / "support")]

import pymysql  # noqa: E402
import scenario  # noqa: E402
from dump_client import DumpClient  # noqa: E402
from lab import machine  # noqa: E402

RULES = "baker_sys_canal.baker_canal_config"
TABLE = f"""CREATE TABLE {RULES} (
  id INT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY, db_name VARCHAR(255) NOT NULL, tb_name VARCHAR(255) NOT NULL,
  monitor_insert BIT(1) NOT NULL DEFAULT b'0', monitor_update BIT(1) NOT NULL DEFAULT b'0',
  monitor_delete BIT(1) NOT NULL DEFAULT b'0') DEFAULT CHARSET = utf8mb4"""
GTID_EVENTS = {33: "mysql", 42: "mysql", 162: "mariadb"}
ROWS_EVENTS = set(range(23, 26)) | set(range(30, 33)) | {39} | set(range(166, 172))


def _write(source):
    """Every statement is a transaction of its own, but for one of two tables."""
    source.sql("CREATE DATABASE baker_sys_canal")
    source.sql(TABLE)
    source.sql("CREATE DATABASE blog")
    for table in ("article", "tag", "visitor"):
        source.sql(f"CREATE TABLE blog.{table} (id INT PRIMARY KEY, v INT)")
    source.sql(f"INSERT INTO {RULES} VALUES (1, 'baker_sys_canal', 'baker_canal_config', 1, 1, 1), (2, 'blog', 'article', 1, 1, 0)")
    source.sql("INSERT INTO blog.article VALUES (1, 1), (2, 1), (3, 1)")
    source.sql("INSERT INTO blog.tag VALUES (1, 1)")
    source.sql("UPDATE blog.article SET v = 2 WHERE id < 3")
    source.sql("DELETE FROM blog.article WHERE id = 3")
    with source.connect("blog") as connection, connection.cursor() as cursor:
        for statement in ("BEGIN", "INSERT INTO article VALUES (4, 1)", "INSERT INTO tag VALUES (2, 1), (3, 1)",
                          "INSERT INTO visitor VALUES (1, 1)", "COMMIT"):
            cursor.execute(statement)
    source.sql("FLUSH BINARY LOGS")
    source.sql(f"INSERT INTO {RULES} VALUES (3, 'bl*', 'ta?', 1, 0, 0), (4, '', 'nobody', 1, 1, 1), (5, 'blog', 'artikel', 1, 1, 1)")
    source.sql("INSERT INTO blog.tag VALUES (4, 1), (5, 1)")
    source.sql(f"UPDATE {RULES} SET monitor_insert = 0 WHERE id = 2")
    source.sql("INSERT INTO blog.article VALUES (5, 1)")
    source.sql(f"DELETE FROM {RULES} WHERE id = 3")
    source.sql("INSERT INTO blog.tag VALUES (6, 1)")


def _rules(relay, command, *arguments):
    return json.loads(relay.command("rules", command, "--config", relay.config, "--json", *arguments).stdout)


def _received(relay, user, is_mysql):
    """Row events that the account is sent, by (file, start of the transaction)."""
    found, file, group = {}, None, None
    for event in DumpClient(lambda: relay.connect(user=user), is_mysql).from_file(relay.binlog_names()[0], 4):
        if event[4] == 4:
            file = event[27:].split(b"\0")[0].decode(errors="replace")
            continue
        if event[4] in GTID_EVENTS:
            end = int.from_bytes(event[13:17], "little")
            group = (file, end)
            found[group] = 0
        elif event[4] in ROWS_EVENTS:
            found[group] += 1
    return [count for count in found.values()]


def _explained(relay):
    """The same as `rules explain` says it, transaction by transaction."""
    counts = []
    listed = [json.loads(line) for line in relay.offline("events", "--json").stdout.splitlines()]
    for event in listed:
        if event["type_code"] in GTID_EVENTS:
            shown = _rules(relay, "explain", "--account", "consumer", f"{event['file']}:{event['offset']}")
            inside = _rules(relay, "explain", "--account", "consumer", f"{event['file']}:{event['end'] + 1}")
            assert shown == inside, "an event inside the transaction names it, too"
            by_gtid = _rules(relay, "explain", "--account", "consumer", shown["gtid"])
            assert shown == by_gtid, "its GTID names it, too"
            counts.append(shown["row_events_passed"])
    return counts


def _check_show(stage, relay):
    shown = _rules(relay, "show")
    assert shown["known"] and [rule["id"] for rule in shown["rules"]] == [1, 2, 4, 5], shown
    assert shown["rules"][2]["ignored"] == "db_name is empty", shown["rules"]
    assert [version["removed"] for version in shown["versions"]][-1] == [3], shown["versions"]
    accounts = {account["user"]: account for account in shown["accounts"]}
    assert accounts["consumer"]["view"] == "rules" and accounts["replica"]["view"] == "all", accounts
    text = relay.command("rules", "show", "--config", relay.config).stdout.decode()
    assert "row 4 is ignored: db_name is empty" in text and "removed row 3" in text, text
    stage.say(f"show: {len(shown['rules'])} rows, {len(shown['versions'])} versions")
    return shown


def _check_test(relay):
    def verdicts(table, *more):
        return [(each["operation"], each["passes"], each["rule"]) for each in _rules(relay, "test", *more, table)["tests"]]
    assert verdicts("blog.article") == [("insert", False, 2), ("update", True, 2), ("delete", False, 2)]
    assert verdicts("blog.tag") == [("insert", False, None), ("update", False, None), ("delete", False, None)]
    file = relay.dir / "other.csv"
    file.write_text("id,db_name,tb_name,monitor_insert,monitor_update,monitor_delete\n7,blog,*,1,0,0\n")
    assert verdicts("blog.tag", "--rules", file) == [("insert", True, 7), ("update", False, 7), ("delete", False, 7)]
    alone = relay.command("rules", "test", "--rules", file, "`blog`.tag", "insert").stdout.decode()
    assert alone == "blog.tag insert: passes, row 7 (blog.*)\n", alone
    bounded = _rules(relay, "test", "--account", "bounded", "blog.article", "update")["tests"][0]
    assert not bounded["passes"] and "allow-list" in bounded["why"], bounded
    wrong = relay.command("rules", "test", "--rules", file, "nodot", check=False)
    assert wrong.returncode == 2 and b"DB.TABLE" in wrong.stderr, wrong
    return file


def _check_comparison(stage, relay, file):
    shown = _rules(relay, "explain", "--account", "consumer", "--rules", file, "--last", "24")
    rows = {each["table"]: (each["now"]["rows"], each["changed"]["rows"]) for each in shown["tables"]}
    # In force now: updates of article, all of the rule table. By the file: inserts of every table of blog.
    assert rows == {"article": (2, 5), "tag": (0, 6), "visitor": (0, 1), "baker_canal_config": (7, 0)}, rows
    assert shown["unjudged_transactions"] == 0 and shown["uncounted_row_events"] == 0, shown
    nothing = _rules(relay, "explain", "--rules", file, "--since", "2099-01-01T00:00:00Z")
    assert nothing["transactions"] == 0 and nothing["tables"] == [], nothing
    stage.say(f"explain --last: {shown['differing_transactions']} of {shown['transactions']} transactions would differ")


def _unseen(relay):
    return {each["id"]: each["missing"] for each in _rules(relay, "show").get("unseen", [])}


def _check_unseen(stage, relay, source):
    """Row 5 names a table that is not there: said where the relay's account may look."""
    machine.wait_until("tables that are not seen", lambda: _unseen(relay).get(5) is False, 60)
    source.unlogged(f"GRANT SELECT ON blog.* TO `{relay.name}`@'127.0.0.1'")
    source.sql(f"INSERT INTO {RULES} VALUES (6, 'blog', 'besucher', 1, 0, 0)")
    machine.wait_until("tables that are missing", lambda: _unseen(relay) == {5: True, 6: True}, 60)
    said = [line for line in relay.log_tail(200).splitlines() if "row 5 names blog.artikel" in line]
    assert len(said) == 1 and "the source has no such table" in said[0], said
    text = relay.command("rules", "show", "--config", relay.config).stdout.decode()
    assert "row 6: blog.besucher: the source has no such table" in text, text
    stage.say("rows of tables that are not there are named")


def _check_counters(stage, relay, payloads, compressed):
    """What a dump let out and held back, by rule."""
    _received(relay, "consumer", relay.source.flavour == "mysql")
    counted = {rule["id"]: rule["counters"] for rule in _rules(relay, "show")["rules"]}
    two = counted[2]
    assert (two["events_passed"], two["events_dropped"]) == (3, 2) and two["last_match"] > 0, two
    if not compressed:
        assert (two["rows_passed"], two["rows_dropped"], two["events_uncounted"]) == (6, 2, 0), two
    assert counted[5] is None and counted[6] is None, counted
    _, _, metrics = relay.get("/metrics")
    assert 'binrelay_filter_row_events_total{stream="main",rule="2",result="passed"} 3' in metrics, metrics
    stage.say("counters of row 2: " + str(two))


def _play(stage, source, payloads=False):
    is_mysql = source.flavour == "mysql"
    relay = stage.relay(source)
    _write(source)
    source.unlogged(f"GRANT SELECT ON baker_sys_canal.* TO `{relay.name}`@'127.0.0.1'")
    relay.add_account("consumer", view="rules")
    relay.add_account("bounded", view="rules", allow=["shop.*"])
    relay.restart()
    relay.caught_up_with(source)
    machine.wait_until("filter rules", lambda: _rules(relay, "show")["known"], 30)
    machine.wait_until("a dump", lambda: _dumps(relay, is_mysql), 30)
    received, explained = _received(relay, "consumer", is_mysql), _explained(relay)
    if not payloads:  # what a payload holds this file does not unpack
        assert received == explained, f"received\n{received}\nexplained\n{explained}"
        stage.say(f"explain: {sum(explained)} row events of {len(explained)} transactions pass, as they were received")
    assert sum(explained) == 8, explained
    running = _check_show(stage, relay)
    file = _check_test(relay)
    _check_comparison(stage, relay, file)
    relay.stop()
    offline = _check_show(stage, relay)
    assert offline["versions"] == running["versions"] and not offline["relay_runs"]
    by_directory = json.loads(relay.command("rules", "show", "--data-dir", relay.data_dir, "--json").stdout)
    assert by_directory["versions"] == offline["versions"]
    _check_test(relay)
    stage.say("the same without the relay")
    relay.start_again()
    _check_unseen(stage, relay, source)
    relay.caught_up_with(source)
    _check_counters(stage, relay, payloads, compressed=not is_mysql)


def _dumps(relay, is_mysql):
    try:
        return _received(relay, "consumer", is_mysql) is not None
    except pymysql.err.OperationalError as refused:
        assert refused.args[0] == 1236, refused
        return False


def mysql_rules_command(stage):
    _play(stage, stage.mysql("source"))


def mysql_rules_command_compressed(stage):
    _play(stage, stage.mysql("source", binlog_transaction_compression="ON"), payloads=True)


def mariadb_rules_command(stage):
    _play(stage, stage.mariadb("source", binlog_format="ROW", log_bin_compress=1, log_bin_compress_min_len=10))


scenario.main(mysql_rules_command, mysql_rules_command_compressed, mariadb_rules_command)
