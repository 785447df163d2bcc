// binrelay verify: is every stored byte what the source sent?
#include <cstdio>
#include <nlohmann/json.hpp>

#include "storage/archive.h"
#include "tools/console.h"
#include "tools/stream_directory.h"
#include "tools/subcommands.h"

namespace binrelay {
namespace {

void print_as_json(const VerifyReport& report) {
  auto findings = nlohmann::json::array();
  for (const Finding& finding : report.findings) {
    findings.push_back({{"file", finding.file}, {"offset", finding.offset}, {"problem", finding.problem}});
  }
  print_json({{"ok", report.findings.empty()},
              {"findings", std::move(findings)},
              {"segments", report.segments},
              {"events", report.events},
              {"transactions", report.transactions},
              {"bytes", report.bytes},
              {"bytes_without_checksum", report.bytes_without_checksum},
              {"index_checked", report.index_checked}});
}

void print_as_text(const VerifyReport& report) {
  for (const Finding& finding : report.findings) {
    complain(finding.file + ":" + std::to_string(finding.offset) + ": " + finding.problem);
  }
  if (report.findings.size() >= kMaxFindings)
    complain("there may be more: the list ends at " + std::to_string(kMaxFindings) + " findings");
  std::printf("%s: %s, %s, %s, %s; index %s\n", report.findings.empty() ? "ok" : "NOT ok",
              count_text(report.segments, "file", "files").c_str(), size_text(report.bytes).c_str(),
              count_text(report.transactions, "transaction", "transactions").c_str(),
              count_text(report.events, "event", "events").c_str(), report.index_checked ? "checked" : "not checked");
  if (report.bytes_without_checksum > 0) {
    std::printf("%s could not be checked: the source wrote them without checksums and the file is not closed yet\n",
                size_text(report.bytes_without_checksum).c_str());
  }
}

}  // namespace

int verify(const ArchiveOptions& options) {
  const Result<std::filesystem::path> directory = find_stream_directory(options);
  if (!directory.ok()) return problem(directory.error());
  const VerifyReport report = [&] {
    ProgressReport progress("verifying");
    return Archive::verify(*directory, progress.callback());
  }();
  options.json ? print_as_json(report) : print_as_text(report);
  return report.findings.empty() ? kExitOk : kExitProblem;
}

}  // namespace binrelay
