"""Writes what was measured into the performance sections of the READMEs, between their markers."""

import os
import pathlib

BEGIN, END = "<!-- measured: begin -->", "<!-- measured: end -->"
TEXTS = {
    "README.md": {
        "title": "## Performance", "before": "## Architecture",
        "head": "Measured on {date}: {machine}. Client, source and relay share the machine. Medians of at most {rounds} "
                "paired rounds; in a round relay, peer and bare loop take turns. Where the question is how cost grows, the relay itself stands in "
                "place of the bare loop: with the smallest log and one consumer (`serve_growth`), with one consumer (`filtered_8`), "
                "without the others (`hop_*`; where it says \"both\", it is the bare loop with as many). Logs of {gigabytes:.2g} GB where nothing else is said: W1 has small "
                "transactions, W2 row events of 8 KB. `tests/bench/run` repeats it.",
        "columns": "| question | | relay | peer | bare loop | relay / peer | relay / bare loop | relay's CPU s/GB |",
    },
    "README.zh-CN.md": {
        "title": "## 性能", "before": "## 架构",
        "head": "测量日期 {date}；机器：{machine}。客户端、源库与中继在同一台机器上。每项为至多 {rounds} 轮配对测量的中位数，"
                "每轮依次测中继、对照与裸循环。若问题是开销如何增长，则以中继自身代替裸循环：最小日志加一个消费者（`serve_growth`）、"
                "一个消费者（`filtered_8`）、没有其他消费者时（`hop_*`；标有 both 的行则是消费者同样多的裸循环）。未另注明时日志为 {gigabytes:.2g} GB：W1 为小事务，W2 为 8 KB 行事件。可用 `tests/bench/run` 重测。",
        "columns": "| 问题 | | 中继 | 对照 | 裸循环 | 中继 / 对照 | 中继 / 裸循环 | 中继 CPU 秒/GB |",
    },
}


def machine_class():
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    models = [line.partition(":")[2].strip() for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines()
              if line.startswith("model name")]
    return f"{os.cpu_count()} x {models[0] if models else 'CPU'}, {memory:.0f} GiB"


def table(columns, rows):
    lines = [columns, "|---|---|---|---|---|---|---|---|"]
    for row in rows:
        figures = [f"{row[who]:.4g} {row['unit']}" if who in row else "" for who in ("relay", "peer", "ceiling")]
        ratios = [f"{row[name]:.2f}" if name in row else "" for name in ("ratio_to_peer", "ratio_to_ceiling")]
        cpu = row.get("cpu_s_per_gb", {}).get("relay")
        lines.append("| " + " | ".join([f"`{row['question']}`", row["workload"], *figures, *ratios,
                                        f"{cpu:.2f}" if cpu is not None else ""]) + " |")
    return "\n".join(lines)


def write(root, report):
    for name, text in TEXTS.items():
        path = root / name
        whole = path.read_text()
        if BEGIN not in whole:
            whole = whole.replace(text["before"], f"{text['title']}\n\n{BEGIN}\n{END}\n\n{text['before']}", 1)
        before, _, rest = whole.partition(BEGIN)
        head = text["head"].format(**report, gigabytes=report["bytes"] / 1e9)
        section = f"{BEGIN}\n{head}\n\n{table(text['columns'], report['rows'])}\n"
        path.write_text(before + section + END + rest.partition(END)[2])
