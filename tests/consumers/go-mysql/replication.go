package main

import (
	"context"
	"encoding/hex"
	"fmt"

	"github.com/go-mysql-org/go-mysql/mysql"
	"github.com/go-mysql-org/go-mysql/replication"
)

func runReplication(wish Wish) {
	syncer := replication.NewBinlogSyncer(replication.BinlogSyncerConfig{
		ServerID: wish.ServerID, Flavor: wish.Flavour, Host: wish.Host, Port: wish.Port, User: wish.User,
		Password: wish.Password, Logger: quiet(), VerifyChecksum: true})
	var stream *replication.BinlogStreamer
	var err error
	if wish.Mode == "gtid" {
		set, parseErr := mysql.ParseGTIDSet(wish.Flavour, wish.Gtid)
		must(parseErr)
		stream, err = syncer.StartSyncGTID(set)
	} else {
		stream, err = syncer.StartSync(mysql.Position{Name: wish.File, Pos: wish.Position})
	}
	must(err)
	place := Place{File: wish.File}
	for {
		event, err := stream.GetEvent(context.Background())
		must(err)
		if event.Header.EventType == replication.HEARTBEAT_EVENT {
			continue
		}
		say(shown(event))
		follow(&place, event)
	}
}

// follow moves the place to resume at, and says it where a transaction ends.
func follow(place *Place, event *replication.BinlogEvent) {
	var set mysql.GTIDSet
	switch content := event.Event.(type) {
	case *replication.RotateEvent:
		place.File = string(content.NextLogName)
		return
	case *replication.XIDEvent:
		set = content.GSet
	case *replication.QueryEvent:
		if string(content.Query) == "BEGIN" {
			return
		}
		set = content.GSet
	default:
		return
	}
	place.Position = event.Header.LogPos
	if set != nil {
		place.Gtid = set.String()
	}
	sayPlace(*place)
}

func shown(event *replication.BinlogEvent) map[string]any {
	h := event.Header
	header := map[string]any{"timestamp": h.Timestamp, "server_id": h.ServerID, "log_pos": h.LogPos, "flags": h.Flags,
		"size": h.EventSize}
	return map[string]any{"kind": h.EventType.String(), "header": header, "fields": fields(event)}
}

func fields(event *replication.BinlogEvent) any {
	switch content := event.Event.(type) {
	case *replication.RowsEvent:
		return map[string]any{"schema": string(content.Table.Schema), "table": string(content.Table.Table),
			"columns": content.ColumnCount, "flags": content.Flags, "rows": plainRows(content.Rows)}
	case *replication.TransactionPayloadEvent:
		inner := []any{}
		for _, one := range content.Events {
			inner = append(inner, shown(one))
		}
		return inner
	case *replication.QueryEvent:
		return map[string]any{"schema": string(content.Schema), "query": string(content.Query),
			"error": content.ErrorCode, "status": hex.EncodeToString(content.StatusVars)}
	}
	return event.Event
}

func plainRows(rows [][]any) [][]any {
	plain := make([][]any, len(rows))
	for number, row := range rows {
		for _, value := range row {
			if bytes, is := value.([]byte); is {
				value = hex.EncodeToString(bytes)
			} else if _, is := value.(string); !is && value != nil {
				value = fmt.Sprint(value)
			}
			plain[number] = append(plain[number], value)
		}
	}
	return plain
}
