// MongoDB changes a document atomically; FerretDB reads it and then writes it, so that of two
// changes at once one may be lost. Commands are therefore passed on one at a time.
package main

import (
	"encoding/binary"
	"io"
	"net"
	"sync"
)

// Every message of the protocol begins with its length, in four bytes.
const headerBytes = 16

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
	turn.Lock()
	defer turn.Unlock()
	if _, err := server.Write(command); err != nil {
		return nil, err
	}
	return message(server)
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
