package main

import (
	"fmt"

	"github.com/go-mysql-org/go-mysql/canal"
	"github.com/go-mysql-org/go-mysql/mysql"
	"github.com/go-mysql-org/go-mysql/replication"
)

// printer says every call that canal makes.
type printer struct {
	canal.DummyEventHandler
}

func called(kind string, header *replication.EventHeader, fields any) {
	said := map[string]any{"kind": kind, "fields": fields}
	if header != nil {
		said["header"] = map[string]any{"timestamp": header.Timestamp, "server_id": header.ServerID, "log_pos": header.LogPos}
	}
	say(said)
}

func (p *printer) OnRotate(header *replication.EventHeader, rotate *replication.RotateEvent) error {
	called("OnRotate", header, map[string]any{"name": string(rotate.NextLogName), "position": rotate.Position})
	return nil
}

func (p *printer) OnTableChanged(header *replication.EventHeader, schema string, table string) error {
	called("OnTableChanged", header, schema+"."+table)
	return nil
}

func (p *printer) OnDDL(header *replication.EventHeader, next mysql.Position, query *replication.QueryEvent) error {
	called("OnDDL", header, map[string]any{"next": next, "query": string(query.Query)})
	return nil
}

func (p *printer) OnRow(event *canal.RowsEvent) error {
	columns := []string{}
	for _, column := range event.Table.Columns {
		columns = append(columns, column.Name+" "+column.RawType)
	}
	called("OnRow", event.Header, map[string]any{"action": event.Action, "table": event.Table.String(), "columns": columns,
		"key": event.Table.PKColumns, "rows": plainRows(event.Rows)})
	return nil
}

func (p *printer) OnXID(header *replication.EventHeader, next mysql.Position) error {
	called("OnXID", header, next)
	return nil
}

func (p *printer) OnGTID(header *replication.EventHeader, gtid mysql.BinlogGTIDEvent) error {
	set, err := gtid.GTIDNext()
	must(err)
	called("OnGTID", header, set.String())
	return nil
}

func (p *printer) OnPosSynced(header *replication.EventHeader, at mysql.Position, set mysql.GTIDSet, force bool) error {
	place := Place{File: at.Name, Position: at.Pos}
	if set != nil {
		place.Gtid = set.String()
	}
	sayPlace(place)
	return nil
}

func (p *printer) String() string { return "printer" }

func runCanal(wish Wish) {
	settings := canal.NewDefaultConfig()
	settings.Addr = fmt.Sprintf("%s:%d", wish.Host, wish.Port)
	settings.User, settings.Password = wish.User, wish.Password
	settings.ServerID, settings.Flavor = wish.ServerID, wish.Flavour
	settings.Dump.ExecutionPath = ""
	settings.Logger = quiet()
	made, err := canal.NewCanal(settings)
	must(err)
	made.SetEventHandler(&printer{})
	if wish.Mode == "gtid" {
		set, parseErr := mysql.ParseGTIDSet(wish.Flavour, wish.Gtid)
		must(parseErr)
		must(made.StartFromGTID(set))
	} else {
		must(made.RunFrom(mysql.Position{Name: wish.File, Pos: wish.Position}))
	}
}
