// Command app is the test image: a server that is well, or ill in the way its flags ask for.
package main

import (
	"flag"
	"fmt"
	"log"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"
)

func main() {
	listen := flag.String("listen", "127.0.0.1:8080", "address to serve /healthz, /readyz and /version on")
	crash := flag.Bool("crash", false, "exit with status 1 at once")
	crashAfter := flag.Duration("crash-after", 0, "exit with status 1 after this time")
	unready := flag.Bool("unready", false, "answer /readyz with 503")
	deaf := flag.Bool("ignore-sigterm", false, "run on until killed")
	flag.String("note", "", "no effect; makes one command line differ from another")
	flag.Parse()
	if *crash {
		log.Fatal("crash asked for")
	}
	if *crashAfter > 0 {
		time.AfterFunc(*crashAfter, func() { log.Fatalf("crash after %s asked for", *crashAfter) })
	}
	go exitWhenTold(*deaf)

	http.HandleFunc("/healthz", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	http.HandleFunc("/readyz", func(w http.ResponseWriter, _ *http.Request) {
		if *unready {
			http.Error(w, "unready asked for", http.StatusServiceUnavailable)
			return
		}
		fmt.Fprintln(w, "ok")
	})
	http.HandleFunc("/version", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, os.Getenv("VERSION")) })
	log.Fatal(http.ListenAndServe(*listen, nil))
}

// exitWhenTold exists because the app is process 1 of its container, for which the kernel ignores an unhandled SIGTERM.
func exitWhenTold(deaf bool) {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT)
	for s := range signals {
		log.Print(s)
		if !deaf {
			os.Exit(0)
		}
	}
}
