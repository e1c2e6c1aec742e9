// Command mongo_server is a MongoDB-protocol server for the tests: FerretDB on SQLite.
//
//	mongo_server FOLDER [ADDRESS]
//
// It keeps its databases in FOLDER, listens on ADDRESS (127.0.0.1:0 if none is given), prints its
// URI on one line of standard output, and ends with SIGTERM or SIGINT. Its log is on standard error.
package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"github.com/FerretDB/FerretDB/ferretdb"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "mongo_server:", err)
		os.Exit(1)
	}
}

func run(arguments []string) error {
	if len(arguments) < 1 || len(arguments) > 2 {
		return fmt.Errorf("usage: mongo_server FOLDER [ADDRESS]")
	}
	folder, err := filepath.Abs(arguments[0])
	if err != nil {
		return err
	}
	address := "127.0.0.1:0"
	if len(arguments) == 2 {
		address = arguments[1]
	}

	server, err := ferretdb.New(&ferretdb.Config{
		Listener:  ferretdb.ListenerConfig{TCP: address},
		Handler:   "sqlite",
		SQLiteURL: "file:" + folder + "/",
		Logger: slog.New(slog.NewTextHandler(
			os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn})),
	})
	if err != nil {
		return err
	}

	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()

	ended := make(chan error, 1)
	go func() { ended <- server.Run(ctx) }()
	// The listener was opened by New, so its port is known and takes connections from here on.
	fmt.Println(server.MongoDBURI())

	return <-ended
}
