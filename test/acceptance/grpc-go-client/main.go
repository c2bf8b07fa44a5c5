// A gRPC client that speaks xDS itself. Each line of its input is calls to make, and it answers each with a line that says what
// came of them. What it speaks to, and its certificates, are in GRPC_XDS_BOOTSTRAP_CONFIG.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"os"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	xdscreds "google.golang.org/grpc/credentials/xds"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	_ "google.golang.org/grpc/xds"
)

type calls struct {
	Target    string            `json:"target"`
	Message   string            `json:"message"`
	Headers   map[string]string `json:"headers"`
	Count     int               `json:"count"`
	TimeoutMs int               `json:"timeoutMs"`
}

type outcome struct {
	// Replies by their text, and how many calls ended with which status code.
	Replies map[string]int `json:"replies"`
	Codes   map[int]int    `json:"codes"`
	// Of the last call that failed.
	Error string `json:"error"`
}

// bytes passes messages on as they are.
type bytes struct{}

func (bytes) Marshal(v any) ([]byte, error)      { return *v.(*[]byte), nil }
func (bytes) Unmarshal(data []byte, v any) error { *v.(*[]byte) = append([]byte{}, data...); return nil }
func (bytes) Name() string                       { return "proto" }

func main() {
	// Plain text wherever the mesh does not ask for TLS.
	credentials, err := xdscreds.NewClientCredentials(xdscreds.ClientOptions{FallbackCreds: insecure.NewCredentials()})
	if err != nil {
		panic(err)
	}
	channels := map[string]*grpc.ClientConn{}
	in, out := bufio.NewScanner(os.Stdin), json.NewEncoder(os.Stdout)
	for in.Scan() {
		var asked calls
		if err := json.Unmarshal(in.Bytes(), &asked); err != nil {
			panic(err)
		}
		channel := channels[asked.Target]
		if channel == nil {
			channel, err = grpc.NewClient(asked.Target, grpc.WithTransportCredentials(credentials),
				grpc.WithDefaultCallOptions(grpc.ForceCodec(bytes{})))
			if err != nil {
				panic(err)
			}
			channels[asked.Target] = channel
		}
		if err := out.Encode(made(channel, asked)); err != nil {
			panic(err)
		}
	}
}

func made(channel *grpc.ClientConn, asked calls) outcome {
	found := outcome{Replies: map[string]int{}, Codes: map[int]int{}}
	for range asked.Count {
		ctx, cancel := context.WithTimeout(context.Background(), time.Duration(asked.TimeoutMs)*time.Millisecond)
		ctx = metadata.NewOutgoingContext(ctx, metadata.New(asked.Headers))
		request, reply := []byte(asked.Message), []byte{}
		err := channel.Invoke(ctx, "/test.Echo/Say", &request, &reply)
		cancel()
		found.Codes[int(status.Code(err))]++
		if err == nil {
			found.Replies[string(reply)]++
		} else {
			found.Error = err.Error()
		}
	}
	return found
}
