#include "relay/upstream/source_error.h"

#include <array>

namespace binrelay {
namespace {

// MySQL manual, "Server Error Message Reference"; the texts behind 1236 as MySQL 9.7 and MariaDB 10.11/11.8 send them.
constexpr std::uint32_t kFatalErrorReadingBinlog = 1236, kSpecificAccessDenied = 1227, kSameServerId = 4052,
                        kGtidListMalformed = 1941, kMalformedGtidSet = 1773, kNotBinaryLogging = 1381,
                        kAccessDenied = 1045;  // the last: COM_REGISTER_SLAVE without the privilege

constexpr std::string_view kUnreadable =
    "; the source cannot read its own file there: the file is damaged, or the source's logs were reset or restored "
    "from an older copy";

struct BinlogTrouble {
  std::string_view text;
  SourceTrouble trouble;
  std::string_view remedy;
};
constexpr std::array kBinlogTroubles{
    BinlogTrouble{"Could not find first log file name", SourceTrouble::operator_needed,
                  "; the source no longer has the file (purged, or its logs were reset)"},
    BinlogTrouble{
        "impossible position", SourceTrouble::operator_needed,
        "; the source's file is shorter than what the relay has stored of it: its logs were reset, or it was restored"},
    BinlogTrouble{
        "position > file size", SourceTrouble::operator_needed,
        "; the source's file is shorter than what the relay has stored of it: its logs were reset, or it was restored"},
    BinlogTrouble{"purged required binary logs", SourceTrouble::place_gone,
                  "; choose a start place the source still has (source.start)"},
    BinlogTrouble{"Could not find GTID state requested", SourceTrouble::place_gone,
                  "; choose a start place the source still has (source.start)"},
    BinlogTrouble{"which is not in the master's binlog", SourceTrouble::place_gone,
                  "; choose a start place the source has (source.start)"},
    BinlogTrouble{"has more GTIDs than the source has", SourceTrouble::operator_needed,
                  "; choose a start place the source has (source.start)"},
    BinlogTrouble{"AUTO_POSITION", SourceTrouble::operator_needed,
                  "; a start by GTID needs gtid_mode=ON on the source; start = \"oldest\" works without"},
    BinlogTrouble{"Binary log is not open", SourceTrouble::operator_needed,
                  "; set log_bin in the source's configuration and restart it"},
    BinlogTrouble{"binlog truncated in the middle of event", SourceTrouble::file_cut_short, ""},
    // At a place that was the start of an event when it was stored.
    BinlogTrouble{"bogus data in log event", SourceTrouble::passing, kUnreadable},
    BinlogTrouble{"log event entry exceeded max_allowed_packet", SourceTrouble::passing, kUnreadable},
};

const BinlogTrouble* find_binlog_trouble(std::uint32_t number, std::string_view text) {
  if (number != kFatalErrorReadingBinlog) return nullptr;
  for (const BinlogTrouble& row : kBinlogTroubles) {
    if (text.find(row.text) != text.npos) return &row;
  }
  return nullptr;
}

std::string grant_needed(Flavour flavour) {
  return std::string("; on the source: GRANT ") +
         (flavour == Flavour::mysql ? "REPLICATION SLAVE, REPLICATION CLIENT" : "REPLICATION SLAVE, BINLOG MONITOR") +
         " ON *.* TO the relay's account" +
         (flavour == Flavour::mysql ? "" : " (before MariaDB 10.5: REPLICATION SLAVE, REPLICATION CLIENT)");
}

bool refers_to_same_id(std::uint32_t number, std::string_view text) {
  return number == kSameServerId ||
         (number == kFatalErrorReadingBinlog && text.find("with the same server_uuid/server_id") != text.npos);
}

}  // namespace

SourceTrouble trouble_of(std::uint32_t number, std::string_view text) {
  if (const BinlogTrouble* row = find_binlog_trouble(number, text)) return row->trouble;
  switch (number) {
    case kSpecificAccessDenied:
    case kAccessDenied:
    case kGtidListMalformed:
    case kMalformedGtidSet:
    case kNotBinaryLogging:
      return SourceTrouble::operator_needed;
    default:
      return SourceTrouble::passing;
  }
}

Error explained(Error error, std::uint32_t number, Flavour flavour) {
  const SourceTrouble trouble = trouble_of(number, error.context);
  if (const BinlogTrouble* row = find_binlog_trouble(number, error.context)) error.context += row->remedy;
  if (number == kSpecificAccessDenied || number == kAccessDenied) error.context += grant_needed(flavour);
  if (refers_to_same_id(number, error.context))
    error.context += "; is another replica using the relay's server_id or uuid?";
  if (trouble == SourceTrouble::operator_needed || trouble == SourceTrouble::place_gone)
    error.code = Errc::refused;
  else if (error.code == Errc::refused)
    error.code = Errc::connection;
  return error;
}

}  // namespace binrelay
