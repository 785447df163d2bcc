#include "storage/file/file_names.h"

#include <algorithm>
#include <charconv>

#include "protocol/limits.h"
#include "protocol/wire/ascii.h"
#include "storage/event_log.h"

namespace binrelay {
namespace {

constexpr std::string_view kBroken = ".broken-";
constexpr std::size_t kServedNumberWidth = 6;

bool all_digits(std::string_view text) { return !text.empty() && std::all_of(text.begin(), text.end(), is_digit); }

}  // namespace

Status check_format(const Disk& disk, const StreamFiles& files) {
  constexpr std::uint64_t kMaxFormatSize = 64;
  BINRELAY_ASSIGN(const ByteBuffer content, disk.read_whole(files.format(), kMaxFormatSize));
  const std::string_view text = as_text(content);
  if (text == kFormatText) return Done{};
  const std::string_view family = kFormatText.substr(0, kFormatText.size() - 2);  // without the version
  if (text.starts_with(family)) {
    return Error{Errc::unsupported, files.directory.string() + " was written by a newer binrelay (its FORMAT says \"" +
                                        std::string(text.substr(0, text.find('\n'))) + "\"); this one reads version 1"};
  }
  return Error{Errc::malformed, files.format().string() + " is not what binrelay writes"};
}

std::filesystem::path free_broken_name(const std::filesystem::path& path) {
  for (int number = 1;; ++number) {
    std::filesystem::path candidate = path.string() + std::string(kBroken) + std::to_string(number);
    if (!Disk::exists(candidate)) return candidate;
  }
}

bool is_broken_name(std::string_view file_name) {
  const std::size_t mark = file_name.rfind(kBroken);
  return mark != std::string_view::npos && mark > 0 && all_digits(file_name.substr(mark + kBroken.size()));
}

std::string_view base_name_of(std::string_view binlog_name) {
  const std::size_t dot = binlog_name.rfind('.');
  return dot != std::string_view::npos && all_digits(binlog_name.substr(dot + 1)) ? binlog_name.substr(0, dot)
                                                                                  : binlog_name;
}

std::optional<std::uint64_t> number_in(std::string_view binlog_name) {
  const std::string_view base = base_name_of(binlog_name);
  if (base.size() == binlog_name.size()) return std::nullopt;
  const std::string_view digits = binlog_name.substr(base.size() + 1);
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  if (error != std::errc{}) return std::nullopt;
  return number;
}

std::string ServedNames::of(std::string_view source_name) const {
  const auto number = number_in(source_name);
  if (!number || (number_offset == 0 && base_name_of(source_name) == base)) return std::string(source_name);
  std::string text = std::to_string(*number + static_cast<std::uint64_t>(number_offset));
  if (text.size() < kServedNumberWidth) text.insert(0, kServedNumberWidth - text.size(), '0');
  return base + "." + text;
}

bool is_safe_file_name(std::string_view name) {
  if (name.empty() || name.size() > kMaxFileNameLength || name == "." || name == ".." || is_broken_name(name))
    return false;
  return std::none_of(name.begin(), name.end(),
                      [](char c) { return c == '/' || static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
}

}  // namespace binrelay
