// The text format, read back by a parser that takes nothing the format does not allow.
#include "relay/admin/metrics_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <charconv>
#include <map>
#include <optional>
#include <regex>
#include <set>
#include <sstream>

#include "relay/admin/stream_metrics.h"

namespace binrelay {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

struct Sample {
  std::string name;
  std::map<std::string, std::string> labels;
  double value = 0;
};
struct ParsedFamily {
  std::string type, help;
  std::vector<Sample> samples;
};

// Reads what prometheus.io/docs/instrumenting/exposition_formats describes; any departure is a test failure.
class StrictReader {
 public:
  explicit StrictReader(const std::string& text) {
    EXPECT_TRUE(text.empty() || text.back() == '\n') << "the last line ends, too";
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);) on_line(line);
    finish_family();
  }
  const std::map<std::string, ParsedFamily>& families() const { return families_; }
  // The only sample of a family that has these labels among its own.
  std::optional<double> value(const std::string& name, const std::map<std::string, std::string>& labels = {}) const {
    std::optional<double> found;
    const auto family = families_.find(name);
    if (family == families_.end()) return found;
    for (const Sample& sample : family->second.samples) {
      bool all = true;
      for (const auto& label : labels) {
        const auto has = sample.labels.find(label.first);
        all = all && has != sample.labels.end() && has->second == label.second;
      }
      if (all) found = sample.value;
    }
    return found;
  }

 private:
  void on_line(const std::string& line) {
    static const std::regex help(R"(# HELP ([a-zA-Z_:][a-zA-Z0-9_:]*) ([^\\\n]+))"),
        type(R"(# TYPE ([a-zA-Z_:][a-zA-Z0-9_:]*) (counter|gauge|histogram))");
    std::smatch match;
    if (std::regex_match(line, match, help)) {
      finish_family();
      current_ = match[1];
      EXPECT_FALSE(families_.contains(current_)) << current_ << " stands in two places";
      families_[current_].help = match[2];
    } else if (std::regex_match(line, match, type)) {
      EXPECT_EQ(match[1], current_) << "TYPE follows its HELP";
      EXPECT_TRUE(families_[current_].samples.empty() && families_[current_].type.empty());
      families_[current_].type = match[2];
    } else {
      on_sample(line);
    }
  }

  void on_sample(const std::string& line) {
    static const std::regex name_pattern("[a-zA-Z_:][a-zA-Z0-9_:]*");
    Sample sample;
    std::size_t at = line.find_first_of("{ ");
    ASSERT_NE(at, std::string::npos) << line;
    sample.name = line.substr(0, at);
    EXPECT_TRUE(std::regex_match(sample.name, name_pattern)) << line;
    if (line[at] == '{') read_labels(line, &at, &sample);
    ASSERT_EQ(line[at], ' ') << line;
    const auto read = std::from_chars(line.data() + at + 1, line.data() + line.size(), sample.value);
    EXPECT_TRUE(read.ec == std::errc() && read.ptr == line.data() + line.size()) << line;
    ParsedFamily& family = families_[current_];
    EXPECT_FALSE(family.type.empty()) << "a sample before its TYPE: " << line;
    if (family.type == "histogram") {
      EXPECT_TRUE(sample.name == current_ + "_bucket" || sample.name == current_ + "_sum" ||
                  sample.name == current_ + "_count")
          << line;
    } else {
      EXPECT_EQ(sample.name, current_);
    }
    EXPECT_TRUE(seen_.insert({sample.name, sample.labels}).second) << "twice: " << line;
    family.samples.push_back(std::move(sample));
  }

  static void read_labels(const std::string& line, std::size_t* at, Sample* sample) {
    static const std::regex label_pattern("[a-zA-Z_][a-zA-Z0-9_]*");
    for (++*at;; ++*at) {
      const std::size_t equals = line.find("=\"", *at);
      ASSERT_NE(equals, std::string::npos) << line;
      const std::string label = line.substr(*at, equals - *at);
      EXPECT_TRUE(std::regex_match(label, label_pattern) && !label.starts_with("__")) << line;
      std::string value;
      for (*at = equals + 2; line.at(*at) != '"'; ++*at) {
        if (line[*at] != '\\') {
          value += line[*at];
          continue;
        }
        const char escaped = line.at(++*at);
        EXPECT_THAT((std::set<char>{'\\', '"', 'n'}), testing::Contains(escaped)) << line;
        value += escaped == 'n' ? '\n' : escaped;
      }
      EXPECT_TRUE(sample->labels.emplace(label, value).second) << "a label twice: " << line;
      ++*at;
      if (line.at(*at) == '}') break;
      ASSERT_EQ(line[*at], ',') << line;
    }
    ++*at;
  }

  void finish_family() {
    if (current_.empty()) return;
    const ParsedFamily& family = families_[current_];
    EXPECT_FALSE(family.samples.empty()) << current_;
    EXPECT_EQ(family.type == "counter", current_.ends_with("_total")) << current_;
    if (family.type == "histogram") check_histogram(family);
  }

  static void check_histogram(const ParsedFamily& family) {
    double running = 0, bound = -1, infinite = -1;
    for (const Sample& sample : family.samples) {
      if (sample.name.ends_with("_bucket")) {
        const std::string& le = sample.labels.at("le");
        const double next = le == "+Inf" ? std::numeric_limits<double>::infinity() : std::stod(le);
        EXPECT_GT(next, bound) << "bounds rise";
        EXPECT_GE(sample.value, running) << "buckets are running totals";
        bound = next;
        running = sample.value;
        if (le == "+Inf") infinite = sample.value;
      } else if (sample.name.ends_with("_count")) {
        EXPECT_EQ(sample.value, infinite);
        running = 0;
        bound = infinite = -1;
      }
    }
  }

  std::map<std::string, ParsedFamily> families_;
  std::set<std::pair<std::string, std::map<std::string, std::string>>> seen_;
  std::string current_;
};

TEST(MetricsText, FamiliesStandTogetherHoweverTheyCame) {
  MetricsText metrics;
  metrics.gauge("lag_bytes", "Waits.", {{"stream", "a"}}, std::uint64_t{1});
  metrics.counter("bytes_total", "Came.", {{"stream", "a"}}, 2);
  metrics.gauge("lag_bytes", "Waits.", {{"stream", "b"}}, std::uint64_t{3});
  EXPECT_EQ(metrics.text(),
            "# HELP lag_bytes Waits.\n# TYPE lag_bytes gauge\nlag_bytes{stream=\"a\"} 1\nlag_bytes{stream=\"b\"} 3\n"
            "# HELP bytes_total Came.\n# TYPE bytes_total counter\nbytes_total{stream=\"a\"} 2\n");
}

TEST(MetricsText, LabelsMayHoldAnything) {
  const std::string name = "a\"b\\c\nd{}=,\xc3\xa9 \xe5\x9b\xbe";
  MetricsText metrics;
  metrics.gauge("lag_bytes", "Waits.", {{"user", name}}, std::uint64_t{1});
  EXPECT_EQ(StrictReader(metrics.text()).value("lag_bytes", {{"user", name}}), 1);
}

TEST(MetricsText, WhatIsNoUtf8IsReplaced) {
  MetricsText metrics;
  for (const char* bytes : {"\xff", "\xc0\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xe5\x9b", "a\x80"})
    metrics.gauge("lag_bytes", "Waits.", {{"user", bytes}, {"n", std::to_string(*bytes)}}, std::uint64_t{1});
  EXPECT_THAT(metrics.text(), HasSubstr("{user=\"a\xef\xbf\xbd\""));
  EXPECT_THAT(metrics.text(), testing::Not(HasSubstr("\xff")));
  EXPECT_THAT(metrics.text(), testing::Not(HasSubstr("\xed\xa0")));
}

TEST(MetricsText, LatenciesBecomeRunningTotals) {
  LatencyHistogram histogram;
  for (const int us : {50, 100, 101, 3'000, 60'000'000}) histogram.add(std::chrono::microseconds(us));
  MetricsText metrics;
  metrics.histogram("sync_seconds", "How long.", {{"stream", "a"}}, histogram.read());
  metrics.histogram("sync_seconds", "How long.", {{"stream", "b"}}, {});
  const StrictReader read(metrics.text());
  const ParsedFamily& family = read.families().at("sync_seconds");
  EXPECT_EQ(family.samples.size(), 2 * (kLatencyBounds.size() + 3));
  EXPECT_EQ(family.samples[0].labels.at("le"), "0.0001");
  EXPECT_EQ(family.samples[0].value, 2);
  EXPECT_EQ(family.samples[kLatencyBounds.size()].labels.at("le"), "+Inf");
  EXPECT_EQ(family.samples[kLatencyBounds.size()].value, 5);
  EXPECT_NEAR(family.samples[kLatencyBounds.size() + 1].value, 60.003251, 1e-9);
}

StreamReport report_of(const std::string& name) {
  StreamReport report;
  report.name = name;
  report.written = {"binlog.000012", 500};
  report.durable = {"binlog.000012", 400};
  report.visible = {"binlog.000011", 300};
  report.counters.bytes = 77;
  report.counters.gaps = 1;
  report.counters.bad_blocks = 2;
  report.lag_bytes = 9;
  report.disk_free = 10;
  report.disk_total = 100;
  ConsumerReport consumer;
  consumer.connection.user = "replica";
  consumer.connection.id = 5;
  consumer.connection.server_id = ServerId{7};
  consumer.dumps = true;
  consumer.lag_bytes = 11;
  report.consumers.push_back(consumer);
  consumer.connection.id = 6;
  consumer.lag_bytes = 12;
  consumer.lag_seconds = 3;
  report.consumers.push_back(consumer);
  report.consumers.emplace_back();  // somebody who logs in
  report.connections.refused_logins = 4;
  return report;
}

TEST(StreamMetrics, TwoStreamsInOneText) {
  MetricsText metrics;
  add_process_metrics(metrics, 1'700'000'000);
  add_stream_metrics(metrics, report_of("one"));
  add_stream_metrics(metrics, report_of("two"));
  const StrictReader read(metrics.text());
  EXPECT_EQ(read.value("process_start_time_seconds"), 1'700'000'000);
  EXPECT_GT(read.value("process_resident_memory_bytes"), 1e6);
  for (const char* stream : {"one", "two"}) {
    EXPECT_EQ(read.value("binrelay_stream_ready", {{"stream", stream}}), 1);
    EXPECT_EQ(read.value("binrelay_log_end_file_number", {{"stream", stream}, {"end", "written"}}), 12);
    EXPECT_EQ(read.value("binrelay_log_end_bytes", {{"stream", stream}, {"end", "visible"}}), 300);
    EXPECT_EQ(read.value("binrelay_received_bytes_total", {{"stream", stream}}), 77);
    EXPECT_EQ(read.value("binrelay_log_gaps_total", {{"stream", stream}}), 1);
    EXPECT_EQ(read.value("binrelay_log_bad_blocks_total", {{"stream", stream}}), 2);
    EXPECT_EQ(read.value("binrelay_logins_refused_total", {{"stream", stream}}), 4);
    EXPECT_EQ(read.value("binrelay_connections", {{"stream", stream}}), 3);
    EXPECT_EQ(read.value("binrelay_source_lag_bytes", {{"stream", stream}}), 9);
    EXPECT_EQ(read.value("binrelay_source_lag_seconds", {{"stream", stream}}), std::nullopt);
    EXPECT_EQ(read.value("binrelay_disk_free_bytes", {{"stream", stream}}), 10);
    EXPECT_EQ(read.value("binrelay_consumer_lag_bytes",
                         {{"stream", stream}, {"user", "replica"}, {"id", "5"}, {"server_id", "7"}}),
              11);
    EXPECT_EQ(read.value("binrelay_consumer_lag_seconds", {{"stream", stream}, {"id", "5"}}), std::nullopt);
    EXPECT_EQ(read.value("binrelay_consumer_lag_seconds", {{"stream", stream}, {"id", "6"}}), 3);
  }
}

TEST(ServedPosition, NumberOfTheFile) {
  EXPECT_EQ((ServedPosition{"binlog.000012", 4}.file_number()), 12u);
  EXPECT_EQ((ServedPosition{"a.b.1000000", 4}.file_number()), 1'000'000u);
  EXPECT_EQ(ServedPosition{}.file_number(), 0u);
}

}  // namespace
}  // namespace binrelay
