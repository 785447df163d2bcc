#pragma once
// MysqlSource: an EventSource and a RowSource over the MySQL client library: MariaDB Connector/C or Oracle's
// libmysqlclient, whichever this was built with. The only file of upstream/ that knows the library. Thread: the
// owner's; interrupt() from any.
#include <functional>
#include <memory>
#include <string>

#include "relay/config/relay_config.h"
#include "relay/upstream/event_source.h"
#include "relay/upstream/row_source.h"

namespace binrelay {

class MysqlSource final : public EventSource, public RowSource {
 public:
  // `address` is asked at every connect(), on the thread that calls it.
  MysqlSource(const SourceConfig& config, std::function<Endpoint()> address);
  ~MysqlSource() override;

  Status connect() override;
  void close() override;
  std::string server_version() const override;
  Result<Table> query(const std::string& statement) override;
  Status register_replica(ServerId server_id, const std::string& host, std::uint16_t port) override;
  Status start_dump(const BinlogDump& dump) override;
  Result<Bytes> next_event() override;
  Bytes packets_at_hand() override;
  void pass_over(std::size_t bytes) override;
  bool more_at_hand() override;
  bool semi_sync_taken() const override;
  bool ack_asked() const override;
  Status acknowledge(const std::string& file, std::uint64_t position) override;
  std::uint32_t server_error() const override;
  std::variant<std::vector<ColumnDefinition>, SqlError> begin_rows(const std::string& statement) override;
  std::variant<RowPortion, SqlError> next_rows(std::size_t bytes) override;
  void interrupt() override;

 private:
  struct Connection;
  std::unique_ptr<Connection> connection_;
};

}  // namespace binrelay
