// go-mysql as a consumer, its replication package or its canal package: prints what it decodes, a JSON object a line.
// See ../README.md for the form.
package main

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"os"
)

// Wish is what the driver asks for.
type Wish struct {
	Program  string `json:"program"`
	Host     string `json:"host"`
	Port     uint16 `json:"port"`
	User     string `json:"user"`
	Password string `json:"password"`
	Flavour  string `json:"flavour"`
	Mode     string `json:"mode"`
	ServerID uint32 `json:"server_id"`
	File     string `json:"file"`
	Position uint32 `json:"position"`
	Gtid     string `json:"gtid"`
}

// Place is where a consumer may resume.
type Place struct {
	File     string `json:"file"`
	Position uint32 `json:"position"`
	Gtid     string `json:"gtid"`
}

func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func say(what any) {
	line, err := json.Marshal(what)
	must(err)
	fmt.Println(string(line))
}

func sayPlace(place Place) {
	say(map[string]any{"at": place})
}

func quiet() *slog.Logger {
	return slog.New(slog.NewTextHandler(io.Discard, nil))
}

func main() {
	text, err := os.ReadFile(os.Args[1])
	must(err)
	var wish Wish
	must(json.Unmarshal(text, &wish))
	if wish.Program == "canal" {
		runCanal(wish)
	} else {
		runReplication(wish)
	}
}
