#include "protocol/gtid/mysql_gtid_set.h"

#include <algorithm>
#include <charconv>
#include <utility>
#include <vector>

#include "protocol/limits.h"
#include "protocol/wire/ascii.h"
#include "protocol/wire/byte_reader.h"
#include "protocol/wire/byte_writer.h"
#include "protocol/wire/mysql_varint.h"

namespace binrelay {
namespace {

// The first u64 of the binary form: untagged it is the count; tagged it has the format in its first and last byte, the
// count between.
constexpr std::uint64_t kTaggedFormat = 1;
constexpr std::uint64_t kTaggedMark = kTaggedFormat << 56 | kTaggedFormat;
constexpr std::uint64_t kTaggedCountMask = 0x00ff'ffff'ffff'ff00;
constexpr std::uint64_t kSmallestEntry = 16 + 8;  // uuid, count of intervals
constexpr std::uint64_t kIntervalSize = 16;

Error malformed_set(std::string what) { return Error{Errc::malformed, "GTID set: " + std::move(what)}; }
Error beyond(const char* what, std::size_t limit) {
  return Error{Errc::limit, "GTID set: more than " + std::to_string(limit) + " " + what};
}

// Collects intervals while a set is read; sorting once at the end keeps hostile orders cheap.
class SetBuilder {
 public:
  Status add(const GtidSource& source, NumberInterval run) {
    if (++intervals_ > kMaxGtidIntervals) return beyond("intervals", kMaxGtidIntervals);
    if (last_ == runs_.end() || last_->first != source) last_ = runs_.try_emplace(source).first;
    if (runs_.size() > kMaxGtidUuids) return beyond("UUIDs", kMaxGtidUuids);
    last_->second.push_back(run);
    return Done{};
  }
  std::map<GtidSource, NumberIntervals> finish() && {
    std::map<GtidSource, NumberIntervals> sources;
    for (auto& [source, runs] : runs_) {
      NumberIntervals merged = NumberIntervals::of(std::move(runs));
      if (!merged.empty()) sources.emplace_hint(sources.end(), source, std::move(merged));
    }
    return sources;
  }

 private:
  std::map<GtidSource, std::vector<NumberInterval>> runs_;
  std::map<GtidSource, std::vector<NumberInterval>>::iterator last_ = runs_.end();
  std::size_t intervals_ = 0;
};

// Walks the text form. Whitespace may stand between any two parts.
class SetText {
 public:
  explicit SetText(std::string_view text) : text_(text) { skip_spaces(); }

  bool at_end() const { return at_ == text_.size(); }
  bool accept(char wanted) {
    if (at_end() || text_[at_] != wanted) return false;
    ++at_;
    skip_spaces();
    return true;
  }
  bool at_digit() const { return !at_end() && is_digit(text_[at_]); }
  std::string_view word() {  // up to a separator or whitespace
    const std::size_t begin = at_;
    while (!at_end() && text_[at_] != ':' && text_[at_] != ',' && !is_space(text_[at_])) ++at_;
    const std::string_view found = text_.substr(begin, at_ - begin);
    skip_spaces();
    return found;
  }
  Result<std::uint64_t> number() {
    std::uint64_t value = 0;
    const char* begin = text_.data() + at_;
    const auto [end, error] = std::from_chars(begin, text_.data() + text_.size(), value);
    if (error != std::errc{} || value > kMaxGtidNumber) return malformed_set("a number was expected" + here());
    at_ += static_cast<std::size_t>(end - begin);
    skip_spaces();
    return value;
  }
  std::string here() const { return " at '" + std::string(text_.substr(at_, 32)) + "'"; }

 private:
  void skip_spaces() {
    while (!at_end() && is_space(text_[at_])) ++at_;
  }
  std::string_view text_;
  std::size_t at_ = 0;
};

// uuid(:tag|:interval)*; a tag holds for the intervals after it.
Status parse_uuid_set(SetText& text, SetBuilder& builder) {
  GtidSource source;
  BINRELAY_ASSIGN(source.uuid, parse_uuid(text.word()));
  while (text.accept(':')) {
    if (!text.at_digit()) {
      BINRELAY_ASSIGN(source.tag, parse_gtid_tag(text.word()));
      continue;
    }
    BINRELAY_ASSIGN(const std::uint64_t first, text.number());
    std::uint64_t last = first;
    if (text.accept('-')) {
      BINRELAY_ASSIGN(last, text.number());
    }
    if (first == 0) return malformed_set("numbers begin at 1");
    BINRELAY_TRY(builder.add(source, {first, std::max(first, last + 1)}));  // mysqld takes 5-3 as nothing; so does of()
  }
  return Done{};
}

}  // namespace

Result<std::string> parse_gtid_tag(std::string_view text) {
  std::string tag;
  for (const char c : text) tag += lower(c);
  const bool letters =
      std::all_of(tag.begin(), tag.end(), [](char c) { return (c >= 'a' && c <= 'z') || c == '_' || is_digit(c); });
  if (tag.empty() || tag.size() > kMaxTagLength || !letters || is_digit(tag.front())) {
    return malformed_set("'" + std::string(text.substr(0, 64)) + "' is not a tag");
  }
  return tag;
}

std::string to_text(const MysqlGtid& gtid) {
  std::string text = to_text(gtid.source.uuid);
  if (!gtid.source.tag.empty()) text += ":" + gtid.source.tag;
  return text + ":" + std::to_string(gtid.number);
}

Result<MysqlGtid> parse_mysql_gtid(std::string_view text) {
  BINRELAY_ASSIGN(const MysqlGtidSet set, MysqlGtidSet::parse(text));
  if (set.count() != 1) return malformed_set("'" + std::string(text.substr(0, 96)) + "' is not one GTID");
  const auto& [source, numbers] = *set.sources().begin();
  return MysqlGtid{source, numbers.runs().front().begin};
}

Result<MysqlGtidSet> MysqlGtidSet::parse(std::string_view text) {
  SetText in(text);
  SetBuilder builder;
  while (!in.at_end()) {
    if (in.accept(',')) continue;  // mysqld allows empty members
    BINRELAY_TRY(parse_uuid_set(in, builder));
    if (!in.at_end() && !in.accept(',')) return malformed_set("a comma was expected" + in.here());
  }
  MysqlGtidSet set;
  set.sources_ = std::move(builder).finish();
  return set;
}

Result<MysqlGtidSet> MysqlGtidSet::decode(Bytes bytes) {
  ByteReader in(bytes);
  const std::uint64_t head = in.u64();
  const bool tagged = head >> 56 == kTaggedFormat;
  if (!tagged && head >> 56 != 0)
    return Error{Errc::unsupported, "GTID set: unknown encoding " + std::to_string(head >> 56)};
  const std::uint64_t entries = tagged ? (head & kTaggedCountMask) >> 8 : head;
  if (entries > in.remaining() / kSmallestEntry)
    return Error{Errc::short_input, "GTID set: ends before its entries do"};

  SetBuilder builder;
  for (std::uint64_t i = 0; i < entries; ++i) {
    GtidSource source;
    const Bytes uuid = in.take(source.uuid.bytes.size());
    if (in.failed()) return Error{Errc::short_input, "GTID set: UUID"};
    source.uuid = uuid_from_bytes(uuid);
    if (tagged) {
      const std::string_view tag = in.text(read_mysql_varint(in));
      if (!tag.empty()) {
        BINRELAY_ASSIGN(source.tag, parse_gtid_tag(tag));
      }
    }
    const std::uint64_t intervals = in.u64();
    if (in.failed() || intervals > in.remaining() / kIntervalSize)
      return Error{Errc::short_input, "GTID set: intervals"};
    std::uint64_t previous_end = 0;
    for (std::uint64_t j = 0; j < intervals; ++j) {
      const NumberInterval run{in.u64(), in.u64()};
      if (run.begin <= previous_end || run.end <= run.begin || run.end > kMaxGtidNumber + 1) {
        return malformed_set("intervals out of order");
      }
      previous_end = run.end;
      BINRELAY_TRY(builder.add(source, run));
    }
  }
  if (in.failed()) return Error{Errc::short_input, "GTID set"};
  if (!in.at_end()) return malformed_set("bytes after its end");
  MysqlGtidSet set;
  set.sources_ = std::move(builder).finish();
  return set;
}

ByteBuffer MysqlGtidSet::encode() const {
  const bool tagged =
      std::any_of(sources_.begin(), sources_.end(), [](const auto& entry) { return !entry.first.tag.empty(); });
  ByteWriter out;
  out.u64(tagged ? kTaggedMark | std::uint64_t{sources_.size()} << 8 : sources_.size());
  for (const auto& [source, numbers] : sources_) {
    out.bytes(std::as_bytes(std::span(source.uuid.bytes)));
    if (tagged) {
      write_mysql_varint(out, source.tag.size());
      out.text(source.tag);
    }
    out.u64(numbers.runs().size());
    for (const NumberInterval& run : numbers.runs()) out.u64(run.begin).u64(run.end);
  }
  return std::move(out).take();
}

std::string MysqlGtidSet::text_with(std::string_view between_uuids) const {
  std::string text;
  const Uuid* previous = nullptr;
  for (const auto& [source, numbers] : sources_) {
    if (previous == nullptr || *previous != source.uuid) {
      if (previous != nullptr) text += between_uuids;
      text += binrelay::to_text(source.uuid);
      previous = &source.uuid;
    }
    if (!source.tag.empty()) text += ":" + source.tag;
    for (const NumberInterval& run : numbers.runs()) {
      text += ":" + std::to_string(run.begin);
      if (run.end - run.begin > 1) text += "-" + std::to_string(run.end - 1);
    }
  }
  return text;
}

std::string MysqlGtidSet::to_text() const { return text_with(","); }
std::string MysqlGtidSet::to_text_with_newlines() const { return text_with(",\n"); }

void MysqlGtidSet::add(const MysqlGtid& gtid) { add(gtid.source, {gtid.number, gtid.number + 1}); }

void MysqlGtidSet::add(const GtidSource& source, NumberInterval run) {
  if (run.begin < run.end) sources_[source].add(run);
}

void MysqlGtidSet::add(const MysqlGtidSet& other) {
  for (const auto& [source, numbers] : other.sources_) sources_[source].add(numbers);
}

void MysqlGtidSet::subtract(const MysqlGtidSet& other) {
  if (this == &other) {
    sources_.clear();
    return;
  }
  for (const auto& [source, numbers] : other.sources_) {
    const auto held = sources_.find(source);
    if (held == sources_.end()) continue;
    held->second.subtract(numbers);
    if (held->second.empty()) sources_.erase(held);
  }
}

bool MysqlGtidSet::contains(const MysqlGtid& gtid) const {
  const auto held = sources_.find(gtid.source);
  return held != sources_.end() && held->second.contains(gtid.number);
}

bool MysqlGtidSet::contains_all(const MysqlGtidSet& other) const {
  return std::all_of(other.sources_.begin(), other.sources_.end(), [&](const auto& wanted) {
    const auto held = sources_.find(wanted.first);
    return held != sources_.end() && held->second.contains_all(wanted.second);
  });
}

std::uint64_t MysqlGtidSet::count() const {
  std::uint64_t total = 0;
  for (const auto& [source, numbers] : sources_) total += numbers.count();
  return total;
}

MysqlGtidSet MysqlGtidSet::only(const Uuid& uuid) const {
  MysqlGtidSet result;
  for (auto it = sources_.lower_bound(GtidSource{uuid, ""}); it != sources_.end() && it->first.uuid == uuid; ++it) {
    result.sources_.insert(*it);
  }
  return result;
}

MysqlGtidSet difference(MysqlGtidSet left, const MysqlGtidSet& right) {
  left.subtract(right);
  return left;
}

}  // namespace binrelay
