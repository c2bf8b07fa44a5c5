// clients opens ADS streams that behave as sidecars do, and says what they hold and since when.
//
// The first line of standard input is the plan, as JSON. From then on each line is a command, and each line of standard
// output what happened:
//
//	→ {"address": …, "clients": [{"id": …, "ip": …, "hosts": […]}, …], …}
//	← {"event": "ready", "started": ms, "first": ms, "median": ms, "last": ms}   all hold all that they asked for
//	→ {"watch": "MARKER"}      ← {"event": "watching"}
//	← {"event": "seen", …}                                                       all hold a resource with the marker
//	→ {"count": true}          ← {"event": "count", "bytes": …, "messages": …}   since the program began
//	← {"event": "ended", "why": …}                                               a stream ended; it is opened anew
//	← {"event": "failed", "why": …}                                              a stream was answered wrongly
//
// Times are milliseconds of the machine's clock since 1970, so that they compare with those of the program that makes the changes.
// It ends with its standard input.
package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/credentials/insecure"
)

// plan is what the program is to do.
type plan struct {
	Address string `json:"address"`
	// Load assignments that each client is to hold before it counts as configured.
	Assignments int `json:"assignments"`
	// The name of the RouteConfiguration that has the clients' hosts.
	Route string `json:"route"`
	// Of every client's node, besides what it says of itself.
	Metadata map[string]any `json:"metadata"`
	Clients  []identity     `json:"clients"`
}

// identity is who a client is, and which hosts it asks for on demand; without any it takes all that there is.
type identity struct {
	ID    string   `json:"id"`
	IP    string   `json:"ip"`
	Hosts []string `json:"hosts"`
}

type command struct {
	Watch string `json:"watch"`
	Count bool   `json:"count"`
}

// Envoy's own defaults since 1.36, bytes: what a server may send before it is told that some was read.
const (
	streamWindow     = 16 << 20
	connectionWindow = 24 << 20
)

// patience is how long a client waits for a server that has taken its connection and says nothing. Envoy has no limit there.
const patience = 5 * time.Minute

var output struct {
	sync.Mutex
	*json.Encoder
}

func say(event string, fields map[string]any) {
	all := map[string]any{"event": event}
	for name, value := range fields {
		all[name] = value
	}
	output.Lock()
	defer output.Unlock()
	if err := output.Encode(all); err != nil {
		os.Exit(1)
	}
}

func main() {
	output.Encoder = json.NewEncoder(os.Stdout)
	input := json.NewDecoder(bufio.NewReader(os.Stdin))
	var plan plan
	if err := input.Decode(&plan); err != nil {
		fmt.Fprintln(os.Stderr, "clients: the plan cannot be read:", err)
		os.Exit(2)
	}
	started := time.Now()
	configured := newTally(len(plan.Clients), func(times map[string]any) {
		times["started"] = milliseconds(started)
		say("ready", times)
	})
	watched := &watch{}
	total := &counts{}
	for index, identity := range plan.Clients {
		// A connection each: clients of one address would share one.
		connection, err := grpc.NewClient(plan.Address,
			grpc.WithTransportCredentials(insecure.NewCredentials()),
			grpc.WithConnectParams(grpc.ConnectParams{Backoff: backoff.DefaultConfig, MinConnectTimeout: patience}),
			grpc.WithInitialWindowSize(streamWindow),
			grpc.WithInitialConnWindowSize(connectionWindow))
		if err != nil {
			fmt.Fprintln(os.Stderr, "clients:", err)
			os.Exit(2)
		}
		go func() {
			// As Envoy does; but what was held is asked for again, so that it counts as bytes.
			for {
				err := newClient(index, plan, identity, configured, watched, total).run(connection)
				if wrong := (wrongAnswer{}); errors.As(err, &wrong) {
					say("failed", map[string]any{"why": fmt.Sprintf("%s: %v", identity.ID, wrong)})
					return
				}
				say("ended", map[string]any{"why": fmt.Sprintf("%s: %v", identity.ID, err)})
				time.Sleep(time.Duration(500+rand.IntN(1000)) * time.Millisecond)
			}
		}()
	}
	for {
		var asked command
		if input.Decode(&asked) != nil {
			return
		}
		if asked.Count {
			say("count", map[string]any{"bytes": total.bytes.Load(), "messages": total.messages.Load()})
		}
		if asked.Watch != "" {
			watched.arm(asked.Watch, newTally(len(plan.Clients), func(times map[string]any) { say("seen", times) }))
			say("watching", nil)
		}
	}
}
