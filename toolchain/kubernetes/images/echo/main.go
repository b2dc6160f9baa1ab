// A service in one static program, and what can go wrong with one. Its environment says how it is:
//
//	PORT    where it listens (8080)
//	ANSWER  what it answers to every request, as a line
//	STATUS  the status of its answers (200)
//	HOLD    MiB of memory that it takes first (0)
//	EXIT    the status that it ends with at once instead; it says so
//
// Asked to end, it finishes what it has begun.
package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net/http"
	"os"
	"os/signal"
	"strconv"
	"syscall"
)

func main() {
	if _, there := os.LookupEnv("EXIT"); there {
		fmt.Fprintln(os.Stderr, "echo ends as it was told to")
		os.Exit(number("EXIT", 1))
	}
	held := make([]byte, number("HOLD", 0)<<20)
	for at := range held {
		held[at] = 1
	}
	status, answer := number("STATUS", http.StatusOK), setting("ANSWER", "echo")
	server := &http.Server{Addr: ":" + setting("PORT", "8080"), Handler: http.HandlerFunc(
		func(writer http.ResponseWriter, _ *http.Request) {
			writer.WriteHeader(status)
			fmt.Fprintln(writer, answer)
		})}
	ended, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	finished := make(chan error)
	go func() {
		<-ended.Done()
		finished <- server.Shutdown(context.Background())
	}()
	if err := server.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) {
		log.Fatal(err)
	}
	if err := <-finished; err != nil {
		log.Fatal(err)
	}
}

func setting(name, otherwise string) string {
	if value, there := os.LookupEnv(name); there {
		return value
	}
	return otherwise
}

func number(name string, otherwise int) int {
	found, err := strconv.Atoi(setting(name, strconv.Itoa(otherwise)))
	if err != nil {
		log.Fatal(err)
	}
	return found
}
