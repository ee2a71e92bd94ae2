// MongoDB changes a document atomically; FerretDB reads it and then writes it, so that of two
// changes at once one may be lost. Commands are therefore passed on one at a time, but for the
// question whether the server is there, by which drivers tell a dead one from one that is busy.
package main

import (
	"bytes"
	"encoding/binary"
	"io"
	"net"
	"sync"
)

// Every message of the protocol begins with its length, in four bytes, and ends its header with what it is.
const (
	headerBytes = 16
	opQuery     = 2004
	opMsg       = 2013
	// In an OP_MSG: flags, the kind of its first section, the length of the document there and the type of its first field.
	nameOffset = headerBytes + 4 + 1 + 4 + 1
)

var turn sync.Mutex

func serveInTurn(listener net.Listener, socket string) {
	for {
		client, err := listener.Accept()
		if err != nil {
			return
		}
		go func() {
			defer client.Close()
			server, err := net.Dial("unix", socket)
			if err != nil {
				return
			}
			defer server.Close()
			for pass(client, server) == nil {
			}
		}()
	}
}

// pass takes one command to the server and its reply back.
func pass(client, server net.Conn) error {
	command, err := message(client)
	if err != nil {
		return err
	}
	reply, err := answer(server, command)
	if err != nil {
		return err
	}
	_, err = client.Write(reply)
	return err
}

func answer(server net.Conn, command []byte) ([]byte, error) {
	if !isGreeting(command) {
		turn.Lock()
		defer turn.Unlock()
	}
	if _, err := server.Write(command); err != nil {
		return nil, err
	}
	return message(server)
}

// isGreeting tells whether a command changes and reads no documents: the first of a connection is an
// OP_QUERY, and the only one; the name of any other is that of the first field.
func isGreeting(command []byte) bool {
	switch binary.LittleEndian.Uint32(command[12:headerBytes]) {
	case opQuery:
		return true
	case opMsg:
		name, _, _ := bytes.Cut(command[min(nameOffset, len(command)):], []byte{0})
		return string(name) == "hello" || string(name) == "isMaster" || string(name) == "ismaster"
	}
	return false
}

func message(from io.Reader) ([]byte, error) {
	header := make([]byte, headerBytes)
	if _, err := io.ReadFull(from, header); err != nil {
		return nil, err
	}
	whole := make([]byte, binary.LittleEndian.Uint32(header))
	copy(whole, header)
	_, err := io.ReadFull(from, whole[headerBytes:])
	return whole, err
}
