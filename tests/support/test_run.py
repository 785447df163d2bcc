"""What tests/run does after the packages are there: build, run every kind of test, one summary.

The last line is "N passed, N failed, N skipped"; the exit code is 0 only when nothing failed and something ran, or when
there are no tests yet of what was asked for.
"""

import argparse
import collections
import os
import pathlib
import subprocess
import sys
import time
import xml.etree.ElementTree

ROOT = pathlib.Path(__file__).resolve().parents[2]
LABELS = ("unit", "system", "filter", "consumers", "browse", "fuzz")
FROM_RELEASE = ("system", "filter", "consumers", "browse")  # played with the release binary
UNIT_TESTS = ("protocol_tests", "storage_tests", "relay_tests")
FUZZ_SECONDS, FUZZ_SECONDS_FULL = 10, 3600

Result = collections.namedtuple("Result", "label name status reason")


class TestRun:
    def __init__(self, options):
        self.options = options
        self.jobs = str(os.cpu_count() or 1)
        # System tests wait for servers more than they compute.
        self.scenarios = str((os.cpu_count() or 1) * 3 // 2)
        self.results = []
        self.client_lines = []  # what the real clients' tests say of each client and mode
        self.configured = set()
        self.began = time.monotonic()

    def wants(self, *labels):
        return not self.options.label or any(label in self.options.label for label in labels)

    # ---- steps

    def run(self):
        played = self._played_with_release()
        servers = self._start_making_servers() if played else None
        released = played and self._build("release", "binrelay", "made_log")  # what scenarios run
        sanitized = self.wants("unit", "system") and self._build("asan")
        if sanitized and self.wants("unit"):
            self._unit_tests("unit asan", "asan")
            self._ctest("tidy", "asan", "-R", "^tidy\\.")
        if self.wants("unit") and self._build("tsan", *UNIT_TESTS):
            self._unit_tests("unit tsan", "tsan")
        if servers:
            self._finish_making_servers(servers)
        for label in played if released else []:
            if label == "system" and self.options.asan:
                continue
            left_out = [] if self.options.full else ["-LE", "^sanitized_alone$"]
            self._ctest(label, "release", "-L", f"^{label}$", *left_out, "-j", self.scenarios, binary="release")
        if sanitized and self.wants("system"):
            chosen = "^system$" if self.options.asan else "^sanitized$"
            self._ctest("system asan", "release" if released else "asan", "-L", chosen, "-j", self.scenarios, binary="asan")
        if self.wants("fuzz") and self._build("fuzz"):
            self._ctest("fuzz", "fuzz", "-L", "^fuzz$", "-j", self.jobs)
        return self._summary()

    def _played_with_release(self):
        """The labels that are wanted and have tests; where one was asked for by name and has none, the summary says so."""
        wanted = [label for label in FROM_RELEASE if self.wants(label)]
        if not wanted or not self._configure("release"):
            return []
        found = [label for label in wanted if self._has_tests(label)]
        self.results += [Result(label, "no tests yet", "skipped", "") for label in wanted
                         if label not in found and self.options.label]
        return found

    def _has_tests(self, label):
        listed = subprocess.run(["ctest", "--test-dir", "build/release", "--show-only", "-L", f"^{label}$"], cwd=ROOT,
                                stdin=subprocess.DEVNULL, capture_output=True, text=True)
        return listed.returncode != 0 or "Total Tests: 0" not in listed.stdout

    def _start_making_servers(self):
        """The database servers of other suites are made while the compiler runs."""
        self._say("making the database servers in the background")
        return subprocess.Popen([sys.executable, "-u", "tools/lab/make_servers.py"], cwd=ROOT, stdin=subprocess.DEVNULL,
                                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def _finish_making_servers(self, servers):
        said, _ = servers.communicate()
        self._say("database servers")
        print(said, end="", flush=True)
        if servers.returncode != 0:
            self.results.append(Result("system", "database servers", "failed", said.strip().rpartition("\n")[2]))

    def _build(self, preset, *targets):
        if not self._configure(preset):
            return False
        done = self._step(f"build {preset}", "cmake", "--build", "--preset", preset, "-j", self.jobs,
                          "--target", *(targets or ["all"]))
        if done:
            self._say(f"built {preset}")
        return done

    def _configure(self, preset):
        if preset not in self.configured and self._step(f"configure {preset}", "cmake", "--preset", preset):
            self.configured.add(preset)
        return preset in self.configured

    def _step(self, name, *command):
        self._say(name)
        if subprocess.run(command, cwd=ROOT, stdin=subprocess.DEVNULL).returncode == 0:
            return True
        self.results.append(Result("build", name, "failed", ""))
        return False

    def _unit_tests(self, label, preset):
        """Every binary in as many parts as there are processors: a process for each test costs a sanitizer more than the test."""
        for name in UNIT_TESTS:
            self._say(f"tests: {label}: {name}")
            folder = ROOT / "build" / preset
            parts = [self._start_part(folder, name, part) for part in range(int(self.jobs))]
            for process, report, output in parts:
                code = process.wait()
                found = _read_report(label, report, f"{name.removesuffix('_tests')}.") if report.exists() else []
                self.results += found
                if code == 0 and found:
                    continue
                print(output.read_text(errors="replace"), flush=True)
                if not any(result.status == "failed" for result in found):
                    self.results.append(Result(label, name, "failed", f"{report.stem} ended with {code}"))

    def _start_part(self, folder, name, part):
        report, output = (folder / f"report-{name}-{part}.{kind}" for kind in ("xml", "log"))
        report.unlink(missing_ok=True)
        environment = {**os.environ, "GTEST_TOTAL_SHARDS": self.jobs, "GTEST_SHARD_INDEX": str(part)}
        with open(output, "wb") as file:
            process = subprocess.Popen([folder / "tests" / name, f"--gtest_output=xml:{report}"], cwd=ROOT, env=environment,
                                       stdin=subprocess.DEVNULL, stdout=file, stderr=subprocess.STDOUT)
        return process, report, output

    def _ctest(self, label, preset, *selection, binary=None):
        self._say(f"tests: {label}")
        report = ROOT / "build" / preset / f"report-{label.replace(' ', '-')}.xml"
        report.unlink(missing_ok=True)
        environment = {**os.environ, "BINRELAY_FUZZ_SECONDS": str(FUZZ_SECONDS_FULL if self.options.full else FUZZ_SECONDS)}
        if binary:
            environment["BINRELAY"] = str(ROOT / "build" / binary / "binrelay")
        if self.options.full:
            environment["BINRELAY_TEST_FULL"] = "1"
        code = subprocess.run(
            ["ctest", "--test-dir", f"build/{preset}", "--output-on-failure", "--no-tests=ignore",
             "--test-output-size-passed", "65536", "--output-junit", report, *selection],
            cwd=ROOT, env=environment, stdin=subprocess.DEVNULL).returncode
        found = _read_report(label, report) if report.exists() else []
        self.results += found
        if label == "consumers" and report.exists():
            self.client_lines += _client_lines(report)
        if code != 0 and not any(result.status == "failed" for result in found):
            self.results.append(Result(label, "ctest", "failed", f"ctest ended with {code}"))

    # ---- the end

    def _summary(self):
        print("\n==== summary", flush=True)
        for line in self.client_lines:
            print(line)
        counts = collections.Counter((result.label, result.status) for result in self.results)
        print(f"{'':14}{'passed':>8}{'failed':>8}{'skipped':>8}")
        for label in dict.fromkeys(result.label for result in self.results):
            print(f"{label:14}" + "".join(f"{counts[label, status]:8}" for status in ("passed", "failed", "skipped")))
        for status in ("skipped", "failed"):
            for result in self.results:
                if result.status == status:
                    print(f"{status.upper()} {result.label}: {result.name}" + (f": {result.reason}" if result.reason else ""))
        print(f"{(time.monotonic() - self.began) / 60:.1f} minutes")
        total = collections.Counter(result.status for result in self.results)
        print(f"{total['passed']} passed, {total['failed']} failed, {total['skipped']} skipped", flush=True)
        nothing_yet = all(result.name == "no tests yet" for result in self.results)
        return 0 if total["failed"] == 0 and (total["passed"] > 0 or nothing_yet and self.results) else 1

    def _say(self, text):
        minutes, seconds = divmod(int(time.monotonic() - self.began), 60)
        print(f"==== {minutes:02}:{seconds:02} {text}", flush=True)


def _read_report(label, path, suite=""):
    """What CTest, or a GoogleTest binary of this suite, has written."""
    results = []
    for case in xml.etree.ElementTree.parse(path).getroot().iter("testcase"):
        name = f"{suite}{case.get('classname')}.{case.get('name')}" if suite else case.get("name")
        said = "".join(part.text or "" for part in case.iter("system-out"))
        status = {"run": "passed", "fail": "failed"}.get(case.get("status"), "skipped")
        if case.find("failure") is not None:
            status = "failed"
        if (skipped := case.find("skipped")) is not None and suite:
            status, said = "skipped", f"SKIPPED: {(skipped.get('message', '').strip() or 'no reason given').splitlines()[-1]}"
        results.append(Result(label, name, status, _reason(said) if status == "skipped" else ""))
    return results


def _client_lines(path):
    """The lines of the real clients, which end in equal, differs, failed or SKIPPED (reason)."""
    said = [part.text or "" for part in xml.etree.ElementTree.parse(path).getroot().iter("system-out")]
    return [line.removeprefix("CLIENT: ") for text in said for line in text.splitlines() if line.startswith("CLIENT: ")]


def _reason(said):
    """What the test said of why it was skipped."""
    lines = said.splitlines()
    for number, line in enumerate(lines):
        if line.startswith("SKIPPED:"):
            return line.removeprefix("SKIPPED:").strip()
        if line.rstrip().endswith(": Skipped"):  # GoogleTest: the reason follows
            return lines[number + 1].strip() if number + 1 < len(lines) else ""
    return "no reason given"


def main():
    arguments = argparse.ArgumentParser(prog="tests/run", description=__doc__.splitlines()[0])
    arguments.add_argument("--label", action="append", choices=LABELS, help="only tests with this label; may be repeated")
    arguments.add_argument("--full", action="store_true", help="the long figures: hours instead of minutes")
    arguments.add_argument("--asan", action="store_true", help="play every system test with the AddressSanitizer build")
    sys.exit(TestRun(arguments.parse_args()).run())


main()
