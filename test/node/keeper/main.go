// Command keeper takes a test node down when the test that started it ends, in whatever way.
package main

import (
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/perch-gitops/perch/test/node/internal/trace"
)

func main() {
	// Ctrl-C is meant for the test; its end is what we wait for. A vanished reader of our output must not end us either.
	signal.Ignore(syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGPIPE)
	if err := trace.Keep(os.Args[1], os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
