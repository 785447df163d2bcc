"""Paired rounds: everybody in turn in each round, then medians, spread and ratios pair by pair."""

import statistics

RELAY, PEER, CEILING = "relay", "peer", "ceiling"


class Rounds:
    """The figures of one question on one workload. `higher_is_better` says which way ratios go: they are relay over other
    either way. A measurement is (figure, CPU seconds per GB or None)."""

    def __init__(self, question, workload, unit, count):
        self.question, self.workload, self.unit, self.count = question, workload, unit, count
        self._figures, self._cpu = {}, {}

    def run(self, **measure):
        """measure: who -> function that measures once. The first round warms up and does not count."""
        for number in range(self.count + 1):
            for who, once in measure.items():
                figure, cpu = once()
                if number > 0 or self.count == 0:
                    self._figures.setdefault(who, []).append(figure)
                    if cpu is not None:
                        self._cpu.setdefault(who, []).append(cpu)
        return self.row()

    def add(self, who, figure, cpu=None):
        self._figures.setdefault(who, []).append(figure)
        if cpu is not None:
            self._cpu.setdefault(who, []).append(cpu)

    def row(self):
        row = {"question": self.question, "workload": self.workload, "unit": self.unit, "rounds": self.count}
        for who, figures in self._figures.items():
            row[who] = statistics.median(figures)
            row[f"{who}_spread"] = [min(figures), max(figures)]
        for name, other in (("ratio_to_peer", PEER), ("ratio_to_ceiling", CEILING)):
            if other in self._figures and RELAY in self._figures:
                pairs = zip(self._figures[RELAY], self._figures[other])
                row[name] = statistics.median(ours / theirs for ours, theirs in pairs)
        row["cpu_s_per_gb"] = {who: statistics.median(cpu) for who, cpu in self._cpu.items()}
        return row
