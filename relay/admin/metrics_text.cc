#include "relay/admin/metrics_text.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <type_traits>

#include "protocol/check.h"

namespace binrelay {
namespace {

bool is_metric_name(std::string_view name) {
  const auto fits = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_'; };
  return !name.empty() && !(name[0] >= '0' && name[0] <= '9') && std::all_of(name.begin(), name.end(), fits);
}

// A label's value is UTF-8; what a client called itself may be anything.
std::size_t utf8_length(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const std::size_t length = byte(0) < 0x80                      ? 1
                             : byte(0) >= 0xc2 && byte(0) < 0xe0 ? 2
                             : byte(0) >= 0xe0 && byte(0) < 0xf0 ? 3
                             : byte(0) >= 0xf0 && byte(0) < 0xf5 ? 4
                                                                 : 0;
  if (length == 0 || length > text.size()) return 0;
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return 0;
  }
  const bool overlong = (byte(0) == 0xe0 && byte(1) < 0xa0) || (byte(0) == 0xf0 && byte(1) < 0x90);
  const bool surrogate = byte(0) == 0xed && byte(1) >= 0xa0;
  const bool beyond = byte(0) == 0xf4 && byte(1) >= 0x90;
  return overlong || surrogate || beyond ? 0 : length;
}

void append_label_value(std::string& out, std::string_view value) {
  while (!value.empty()) {
    const std::size_t length = utf8_length(value);
    const char first = value[0];
    if (length == 0) {
      out += "\xef\xbf\xbd";  // U+FFFD
    } else if (first == '\\' || first == '"') {
      out += '\\';
      out += first;
    } else if (first == '\n') {
      out += "\\n";
    } else {
      out += value.substr(0, length);
    }
    value.remove_prefix(std::max<std::size_t>(length, 1));
  }
}

void append_labels(std::string& out, const MetricsText::Labels& labels) {
  if (labels.empty()) return;
  out += '{';
  for (const auto& [name, value] : labels) {
    if (out.back() != '{') out += ',';
    out += name;
    out += "=\"";
    append_label_value(out, value);
    out += '"';
  }
  out += '}';
}

template <class Number>
std::string number_text(Number value) {
  std::array<char, 400> text{};
  char* const last = text.data() + text.size();
  if constexpr (std::is_floating_point_v<Number>) {
    return {text.data(), std::to_chars(text.data(), last, value, std::chars_format::fixed).ptr};
  } else {
    return {text.data(), std::to_chars(text.data(), last, value).ptr};
  }
}

double seconds(std::chrono::microseconds time) { return std::chrono::duration<double>(time).count(); }

template <class Number>
void append_sample(std::string& out, std::string_view name, const MetricsText::Labels& labels, Number value) {
  out += name;
  append_labels(out, labels);
  out += ' ';
  out += number_text(value);
  out += '\n';
}

}  // namespace

std::string& MetricsText::samples_of(std::string_view name, std::string_view type, std::string_view help) {
  const auto known =
      std::find_if(families_.begin(), families_.end(), [&](const Family& family) { return family.name == name; });
  if (known != families_.end()) return known->samples;
  BINRELAY_CHECK(is_metric_name(name), "a metric's name has small letters, digits and _");
  BINRELAY_CHECK(help.find_first_of("\\\n") == std::string_view::npos, "a metric's help is one plain line");
  Family family{std::string(name), "# HELP ", ""};
  family.head.append(name).append(" ").append(help).append("\n# TYPE ");
  family.head.append(name).append(" ").append(type).append("\n");
  return families_.emplace_back(std::move(family)).samples;
}

void MetricsText::counter(std::string_view name, std::string_view help, const Labels& labels, std::uint64_t value) {
  append_sample(samples_of(name, "counter", help), name, labels, value);
}

void MetricsText::gauge(std::string_view name, std::string_view help, const Labels& labels, std::uint64_t value) {
  append_sample(samples_of(name, "gauge", help), name, labels, value);
}

void MetricsText::gauge(std::string_view name, std::string_view help, const Labels& labels, double value) {
  append_sample(samples_of(name, "gauge", help), name, labels, value);
}

void MetricsText::histogram(std::string_view name, std::string_view help, const Labels& labels,
                            const LatencyCounts& counts) {
  std::string& out = samples_of(name, "histogram", help);
  const std::string whole(name);
  std::uint64_t total = 0;
  for (std::size_t i = 0; i < counts.counts.size(); ++i) {
    total += counts.counts[i];
    Labels with_bound = labels;
    with_bound.emplace_back("le", i < kLatencyBounds.size() ? number_text(seconds(kLatencyBounds[i])) : "+Inf");
    append_sample(out, whole + "_bucket", with_bound, total);
  }
  append_sample(out, whole + "_sum", labels, seconds(counts.sum));
  append_sample(out, whole + "_count", labels, total);
}

std::string MetricsText::text() const {
  std::string text;
  for (const Family& family : families_) {
    text += family.head;
    text += family.samples;
  }
  return text;
}

}  // namespace binrelay
