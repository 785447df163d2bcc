#pragma once
// MetricsText collects samples and writes them as Prometheus' text format, version 0.0.4
// (prometheus.io/docs/instrumenting/exposition_formats): the samples of a family stand together under one HELP and one
// TYPE, whatever the order they came in. Thread: one. Owner: who answers a scrape.
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "storage/latency_histogram.h"

namespace binrelay {

inline constexpr const char* kMetricsContentType = "text/plain; version=0.0.4; charset=utf-8";

class MetricsText {
 public:
  using Labels = std::vector<std::pair<std::string_view, std::string>>;

  // A counter's name ends in _total. Times are seconds, sizes are bytes.
  void counter(std::string_view name, std::string_view help, const Labels& labels, std::uint64_t value);
  void gauge(std::string_view name, std::string_view help, const Labels& labels, std::uint64_t value);
  void gauge(std::string_view name, std::string_view help, const Labels& labels, double value);
  void histogram(std::string_view name, std::string_view help, const Labels& labels, const LatencyCounts& counts);

  std::string text() const;

 private:
  struct Family {
    std::string name, head, samples;
  };
  std::string& samples_of(std::string_view name, std::string_view type, std::string_view help);

  std::vector<Family> families_;  // in the order they first came
};

}  // namespace binrelay
