package main

import (
	"fmt"

	discovery "github.com/envoyproxy/go-control-plane/envoy/service/discovery/v3"
	"google.golang.org/grpc/mem"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
)

// response is a DeltaDiscoveryResponse of which no more is read than a client must know: the rest of its resources stays
// in the bytes that came, so that a thousand clients cost less than the server that is measured.
type response struct {
	buffer    mem.Buffer
	typeURL   string
	nonce     string
	resources []resource
	removed   []string
}

// resource is valid until its response is freed.
type resource struct {
	name    []byte
	aliases [][]byte
	// Empty where the server says that there is nothing of this name.
	value []byte
}

func (r *response) bytes() []byte { return r.buffer.ReadOnlyData() }
func (r *response) free()         { r.buffer.Free() }

// Field numbers of the messages' definitions.
const (
	responseResources = 2
	responseTypeURL   = 4
	responseNonce     = 5
	responseRemoved   = 6
	resourceBody      = 2
	resourceName      = 3
	resourceAliases   = 4
	anyValue          = 2
)

// codec reads responses into *response, and writes requests as they are.
type codec struct{}

func (codec) Name() string { return "proto" }

func (codec) Marshal(value any) (mem.BufferSlice, error) {
	request, err := proto.Marshal(value.(*discovery.DeltaDiscoveryRequest))
	return mem.BufferSlice{mem.SliceBuffer(request)}, err
}

func (codec) Unmarshal(data mem.BufferSlice, value any) error {
	into := value.(*response)
	*into = response{buffer: data.MaterializeToBuffer(mem.DefaultBufferPool())}
	return fields(into.bytes(), func(number protowire.Number, value []byte) error {
		switch number {
		case responseResources:
			one, err := readResource(value)
			into.resources = append(into.resources, one)
			return err
		case responseTypeURL:
			into.typeURL = string(value)
		case responseNonce:
			into.nonce = string(value)
		case responseRemoved:
			into.removed = append(into.removed, string(value))
		}
		return nil
	})
}

func readResource(message []byte) (one resource, err error) {
	err = fields(message, func(number protowire.Number, value []byte) error {
		switch number {
		case resourceName:
			one.name = value
		case resourceAliases:
			one.aliases = append(one.aliases, value)
		case resourceBody:
			return fields(value, func(number protowire.Number, value []byte) error {
				if number == anyValue {
					one.value = value
				}
				return nil
			})
		}
		return nil
	})
	return one, err
}

// fields calls visit for each field with a length, and passes over the others.
func fields(message []byte, visit func(protowire.Number, []byte) error) error {
	for len(message) > 0 {
		number, kind, length := protowire.ConsumeTag(message)
		if length < 0 {
			return fmt.Errorf("no tag of a field: %w", protowire.ParseError(length))
		}
		message = message[length:]
		if kind != protowire.BytesType {
			if length = protowire.ConsumeFieldValue(number, kind, message); length < 0 {
				return fmt.Errorf("field %d: %w", number, protowire.ParseError(length))
			}
			message = message[length:]
			continue
		}
		value, length := protowire.ConsumeBytes(message)
		if length < 0 {
			return fmt.Errorf("field %d: %w", number, protowire.ParseError(length))
		}
		message = message[length:]
		if err := visit(number, value); err != nil {
			return err
		}
	}
	return nil
}
