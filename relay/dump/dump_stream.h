#pragma once
// DumpStream serves one dump: what a plan says, from the log's bytes, until the client leaves, the log ends
// (non-blocking) or an error. Thread: the session's io thread, and while it waits at the end of the log the one that
// brings more (serve_in_place); reads that would wait for the disk go to the reader pool. Owner: the session's
// coroutine. Borrows channel, log, signal.
#include <atomic>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/thread_pool.hpp>
#include <functional>
#include <memory>
#include <optional>

#include "protocol/event/event_run.h"
#include "protocol/packet/packet_framer.h"
#include "protocol/packet/send_buffer.h"
#include "relay/commands/replica_registry.h"
#include "relay/dump/dump_cursor.h"
#include "relay/dump/dump_plan.h"
#include "relay/dump/sent_segments.h"
#include "relay/dump/tail_signal.h"
#include "relay/login/packet_channel.h"
#include "storage/event_log.h"

namespace binrelay {

// How a dump came to its end, for the log line.
struct DumpEnd {
  std::string reason;
  bool by_error = false;
};

class DumpStream {
 public:
  DumpStream(DumpPlan plan, const EventLog& log, const SourceIdentity& source, PacketChannel& channel,
             TailSignal& signal, boost::asio::io_context& context, boost::asio::thread_pool& readers,
             std::shared_ptr<ConnectionEntry::Progress> progress);

  // First of all: what it is going to read is not purged from here on. Before the consumer is known as connected, whom
  // retention does not wait for.
  void open();
  // The channel is to be closed when it returns.
  boost::asio::awaitable<DumpEnd> run();
  // From the session's thread: ends the dump at the next packet boundary.
  void end(EndReason reason);

 private:
  // One write covers about this much; larger buffers fall out of the processor's cache.
  static constexpr std::size_t kWriteSize = 128u << 10;
  static constexpr std::size_t kReadSize = 128u << 10;
  // Events of this size are sent from where they were read to: for smaller ones a copy costs less than a piece.
  static constexpr std::size_t kLendFrom = 2u << 10;
  // What a dump keeps that waits for more.
  static constexpr std::size_t kIdleBuffer = 16u << 10;

  using Clock = TailSignal::Clock;
  using Ended = std::optional<DumpEnd>;
  using Look = std::function<boost::asio::awaitable<std::optional<Error>>()>;

  bool open_cursor(LogPosition at);  // false: the one there was stays
  boost::asio::awaitable<DumpEnd> serve();
  boost::asio::awaitable<Ended> send_head();
  // Puts events into the buffer until that is large or there is to be a jump (nullopt), or up to the first step that is
  // more than that: an event to be sent in pieces, or none.
  std::optional<CursorStep> add_events(Ended* ended);
  Ended add_event(const CursorEvent& event, bool* in_pieces);
  // What go out as they are, many at a time. False: the next event must be looked at.
  bool add_run();
  bool add_group(Ended* ended);
  EventTypeSet types_in_runs() const;
  bool looks_at_all_events() const;
  bool skips_by_position() const;
  bool may_jump() const;
  boost::asio::awaitable<void> jump_over_known();  // may_jump(), and nothing is in the buffer
  boost::asio::awaitable<Ended> send_large_event(const CursorEvent& event);
  boost::asio::awaitable<Ended> on_segment_end(const Segment& following);
  boost::asio::awaitable<Ended> on_visible_end();
  // While it waits there.
  TailSignal::ServedBy served_by() const;
  bool serve_in_place();
  bool serve_plain_case();
  bool send_in_place();
  boost::asio::awaitable<Ended> read_more();
  // Until `look` finds no more damage, or what it finds will not be restored soon.
  boost::asio::awaitable<std::optional<Error>> wait_while_damaged(Error found, const Look& look);
  DumpEnd fail_unreadable(const Error& error);
  boost::asio::awaitable<Ended> flush();
  boost::asio::awaitable<Ended> flush_if_large();
  bool may_rest() const;
  void note_progress(std::size_t sent);
  void release_buffers();
  void enter_segment(SegmentNumber segment);
  void note_acknowledged(bool caught_up);
  // Both put the stream's last packet into the buffer.
  DumpEnd fail(const SqlError& error);
  DumpEnd finish_with_eof(std::string reason);

  std::optional<SqlError> check_first_event(const CursorEvent& event) const;
  // Keeps track of the group being skipped; an error when the log cannot give what was asked for.
  std::optional<SqlError> decide(const CursorEvent& event);
  // By GTID: does this event go out?
  Ended judge_by_gtid(const CursorEvent& event, bool* send);
  // By file and position: not what the log had before this file's series began.
  Ended judge_by_position(const CursorEvent& event, bool* send);
  void jump_over_skipped();  // MySQL, by file and position
  void tell_place_behind_unpacked(std::uint64_t place);
  // For clients that cannot read all events: true when this one is dealt with.
  bool add_downgraded(const CursorEvent& event);
  void close_skipped_run();  // MariaDB: tells the replica where the skipped groups have moved it
  void release_held_head(bool first_group_skipped);
  void add(Bytes event);
  void add_fake_rotate(const std::string& name, std::uint64_t position, ChecksumAlgorithm checksum);
  void note_sent(const EventHeader& header);
  DumpEnd fail_step(const Error& error);
  void add_format_description(Bytes stored);
  void add_file_event(const CursorEvent& event);
  void add_heartbeat(std::uint64_t position);
  Clock::time_point heartbeat_due() const;
  DumpPlace place() const;

  DumpPlan plan_;
  const EventLog& log_;
  const SourceIdentity& source_;  // the session's
  const ServerId source_server_id_;
  const Flavour flavour_;
  PacketChannel& channel_;
  TailSignal::Waiter waiter_;
  boost::asio::thread_pool& readers_;
  std::shared_ptr<ConnectionEntry::Progress> progress_;

  std::optional<DumpCursor> cursor_;
  SentSegments sent_;
  std::shared_ptr<const Segment> segment_;  // the one being sent
  EventFramer framer_;
  const EventTypeSet run_types_;  // empty when every event is looked at
  const std::size_t lend_from_;
  SendBuffer out_;
  std::size_t empty_bytes_ = 0;  // in out_: of groups of which a view shows nothing but that they were
  // A GTID dump holds the first file's FDE and PREVIOUS_GTIDS back until the first group tells whether `created` must
  // be cleared.
  std::optional<ByteBuffer> held_description_;
  ByteBuffer held_rest_;
  bool clear_created_ = false;  // that first group was skipped
  bool first_event_ = true;
  std::uint64_t last_event_began_ = kFirstEventOffset;
  bool skipping_ = false;          // inside a group that is not sent
  bool looked_for_known_ = false;  // jump_over_known() has had its turn
  bool skipped_run_open_ = false;  // groups were skipped since the last packet sent
  std::uint64_t skipped_end_ = 0;  // where the last skipped event ended
  // What a MySQL replica believes its place to be: a view can send more bytes than the file has, and a heartbeat below
  // that stops the replica. Kept for views only.
  std::uint64_t replica_position_ = 0;
  std::string rotated_to_;  // the file that the last event sent announced; "" = it was no ROTATE
  Clock::time_point last_sent_ = Clock::now();
  // What serving in place came upon and left to the coroutine.
  std::optional<CursorStep> step_in_place_;
  Ended ended_in_place_;
  bool resting_ = false;          // it waits with something to send: groups that are empty
  bool rested_ = true;            // others had the thread since the last read
  std::uint32_t event_time_ = 0;  // of the last event that has one
  std::optional<EndReason> end_reason_;
};

}  // namespace binrelay
