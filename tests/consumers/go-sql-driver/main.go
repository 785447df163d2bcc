// go-sql-driver/mysql with its defaults: DSN file-of-statements.
package main

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"strings"

	_ "github.com/go-sql-driver/mysql"
)

type queryer func(statement string) (*sql.Rows, error)

func report(how, statement string, query queryer) error {
	rows, err := query(statement)
	if err != nil {
		return fmt.Errorf("%s %s: %w", how, statement, err)
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		return err
	}
	any := false
	for rows.Next() {
		any = true
		values := make([]interface{}, len(columns))
		pointers := make([]interface{}, len(columns))
		for i := range values {
			pointers[i] = &values[i]
		}
		if err := rows.Scan(pointers...); err != nil {
			return err
		}
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("%s %s: %w", how, statement, err)
	}
	fmt.Printf("%s\t%s\t%s\t%t\n", how, statement, strings.Join(columns, ","), any)
	return nil
}

func run(dsn, list string) error {
	text, err := os.ReadFile(list)
	if err != nil {
		return err
	}
	pool, err := sql.Open("mysql", dsn)
	if err != nil {
		return err
	}
	defer pool.Close()
	ctx := context.Background()
	connection, err := pool.Conn(ctx)
	if err != nil {
		return err
	}
	defer connection.Close()
	if err := connection.PingContext(ctx); err != nil {
		return err
	}
	for _, statement := range strings.Split(strings.TrimSpace(string(text)), "\n") {
		plain := func(s string) (*sql.Rows, error) { return connection.QueryContext(ctx, s) }
		if err := report("text", statement, plain); err != nil {
			return err
		}
		prepared := func(s string) (*sql.Rows, error) {
			made, err := connection.PrepareContext(ctx, s)
			if err != nil {
				return nil, err
			}
			return made.QueryContext(ctx)
		}
		if err := report("prepared", statement, prepared); err != nil {
			return err
		}
	}
	for _, options := range []*sql.TxOptions{nil, {ReadOnly: true}, {Isolation: sql.LevelReadCommitted}} {
		transaction, err := connection.BeginTx(ctx, options)
		if err != nil {
			return fmt.Errorf("begin: %w", err)
		}
		if err := transaction.Rollback(); err != nil {
			return err
		}
	}
	return nil
}

func main() {
	if err := run(os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
