// A server that speaks MongoDB's protocol, for tests where no MongoDB is at hand: FerretDB with its
// SQLite backend, listening on 127.0.0.1. Given a port (0: any) and a folder for its data, it prints
// its URL and runs until it is told to stop.
//
// It is built from FerretDB's embeddable package: the command itself refuses to start when built by
// `go install`, since the file with its version is missing from the module.
package main

import (
	"context"
	"fmt"
	"log"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"github.com/FerretDB/FerretDB/ferretdb"
)

func main() {
	if len(os.Args) != 3 {
		log.Fatal("usage: mongoserver <port> <data folder>")
	}
	port, folder := os.Args[1], os.Args[2]
	socket := filepath.Join(folder, "ferretdb.sock")
	server, err := ferretdb.New(&ferretdb.Config{
		Listener:  ferretdb.ListenerConfig{Unix: socket},
		Logger:    slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelError})),
		Handler:   "sqlite",
		SQLiteURL: "file:" + folder + "/",
	})
	if err != nil {
		log.Fatal(err)
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	listener, err := net.Listen("tcp", "127.0.0.1:"+port)
	if err != nil {
		log.Fatal(err)
	}
	go serveInTurn(listener, socket)
	fmt.Printf("mongodb://%s/\n", listener.Addr())
	_ = server.Run(ctx)
}
