#!/usr/bin/python3
"""Writes the compatibility table of README.md and README.zh-CN.md from what the last runs of play.py found.

    python3 tests/consumers/compatibility_table.py [--check]

--check changes nothing and fails when the tables are not what the runs found.
"""

import json
import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
RESULTS = ROOT / "build" / "consumers"
BEGIN, END = "<!-- clients: begin -->", "<!-- clients: end -->"
HEADS = {"README.md": ("client", "version", "source", "mode", "result"), "README.zh-CN.md": ("客户端", "版本", "源", "方式", "结果")}
CHINESE = {"GTID": "GTID", "file and position": "文件与位置", "from the start, then resumed": "从头开始，再续传",
           "relay restarted": "中继重启", "equal": "一致", "differs": "不一致", "from the start": "从头开始"}

CHINESE_REASONS = {"this version asks MySQL 9.7 for SHOW MASTER STATUS, which is gone": "此版本使用 MySQL 9.7 已取消的 SHOW MASTER STATUS",
                   "it knows only mysql_native_password, which MySQL 9.7 has not": "只支持 MySQL 9.7 已取消的 mysql_native_password"}


def rows():
    """(client, version, source, mode, result); modes of the same result stand together."""
    together = {}
    for path in sorted(RESULTS.glob("*.json")):
        for line in json.loads(path.read_text()):
            source = " ".join(line["source"].split("-")[0].split())
            together.setdefault((line["client"], line["version"], source, line["result"]), []).append(line["mode"])
    for (client, version, source, result), modes in together.items():
        by_place = {}
        for mode in modes:
            place, _, how = mode.partition(", ")
            by_place.setdefault(how, []).append(place)
        merged = [(" / ".join(places), how) for how, places in by_place.items()]
        yield client, version, source, merged, result


def table(readme):
    translate = (lambda text: text) if readme == "README.md" else _chinese
    lines = ["| " + " | ".join(HEADS[readme]) + " |", "|---" * 5 + "|"]
    for client, version, source, merged, result in rows():
        modes = "; ".join(translate(places) + (f": {translate(how)}" if how else "") for places, how in merged)
        lines.append(f"| {client} | {version} | {source} | {modes} | {translate(result)} |")
    return "\n".join([BEGIN, *lines, END])


def _chinese(text):
    if text.startswith("SKIPPED ("):
        reason = text.removeprefix("SKIPPED (").removesuffix(")")
        return f"SKIPPED（{CHINESE_REASONS.get(reason, reason)}）"
    return " / ".join(CHINESE.get(part, part) for part in text.split(" / "))


def main():
    stale = []
    for readme in HEADS:
        path = ROOT / readme
        text = path.read_text()
        before, _, rest = text.partition(BEGIN)
        _, _, after = rest.partition(END)
        made = before + table(readme) + after
        if made != text:
            stale.append(readme)
            if "--check" not in sys.argv:
                path.write_text(made)
    print("\n".join(f"{readme}: {'differs from the last runs' if '--check' in sys.argv else 'written'}" for readme in stale) or "up to date")
    sys.exit(1 if stale and "--check" in sys.argv else 0)


main()
