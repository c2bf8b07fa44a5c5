package main

import (
	"context"
	"errors"
	"fmt"
	"slices"

	core "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	discovery "github.com/envoyproxy/go-control-plane/envoy/service/discovery/v3"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/structpb"
)

const method = "/envoy.service.discovery.v3.AggregatedDiscoveryService/DeltaAggregatedResources"

// largestMessage is more than any of them, bytes: Envoy has no limit.
const largestMessage = 1 << 30

// dependent is the type that resources of a type refer to.
var dependent = map[string]string{
	clusterType: assignmentType, listenerType: routeType, routeType: virtualHostType,
}

// client is one delta ADS client. It subscribes to all clusters and listeners, to what they refer to as it comes, and
// acknowledges everything. With hosts, it asks for their virtual hosts once it has the route that they belong to.
type client struct {
	index    int
	plan     plan
	identity identity
	stream   grpc.ClientStream
	total    *counts
	watched  *watch
	// Reached when nothing is missing.
	configured *tally
	ready      bool
	// By type: names subscribed to, and whether they have come. Listeners and clusters are asked for without names.
	subscribed map[string]map[string]bool
	missing    int
	came       map[string]bool
}

// wrongAnswer is an answer that no server should give: there is no use in asking again.
type wrongAnswer struct{ error }

func newClient(index int, plan plan, identity identity, configured *tally, watched *watch, total *counts) *client {
	return &client{
		index: index, plan: plan, identity: identity, configured: configured, watched: watched, total: total,
		subscribed: map[string]map[string]bool{assignmentType: {}, routeType: {}, virtualHostType: {}},
		came:       map[string]bool{},
	}
}

// run goes on until the stream ends, and says why it did.
func (c *client) run(connection *grpc.ClientConn) error {
	node, err := c.node()
	if err != nil {
		return err
	}
	c.stream, err = connection.NewStream(context.Background(), &grpc.StreamDesc{ServerStreams: true, ClientStreams: true},
		method, grpc.ForceCodecV2(codec{}), grpc.MaxCallRecvMsgSize(largestMessage))
	if err != nil {
		return err
	}
	for _, typeURL := range []string{clusterType, listenerType} {
		if err := c.stream.SendMsg(&discovery.DeltaDiscoveryRequest{Node: node, TypeUrl: typeURL}); err != nil {
			return err
		}
	}
	for {
		var answer response
		if err := c.stream.RecvMsg(&answer); err != nil {
			return err
		}
		err := c.receive(&answer)
		answer.free()
		if err != nil {
			return err
		}
	}
}

func (c *client) node() (*core.Node, error) {
	all := map[string]any{"INSTANCE_IPS": c.identity.IP}
	for name, value := range c.plan.Metadata {
		all[name] = value
	}
	metadata, err := structpb.NewStruct(all)
	return &core.Node{Id: c.identity.ID, Cluster: "bench", Metadata: metadata, UserAgentName: "envoy"}, err
}

func (c *client) receive(answer *response) error {
	c.total.messages.Add(1)
	c.total.bytes.Add(int64(len(answer.bytes())))
	c.watched.look(c.index, answer.bytes())
	acknowledgement := &discovery.DeltaDiscoveryRequest{TypeUrl: answer.typeURL, ResponseNonce: answer.nonce}
	if err := c.stream.SendMsg(acknowledgement); err != nil {
		return err
	}
	c.came[answer.typeURL] = true
	var wanted []string
	for _, one := range answer.resources {
		c.arrived(answer.typeURL, one.name)
		for _, alias := range one.aliases {
			c.arrived(answer.typeURL, alias)
		}
		names, err := c.wantedBy(answer.typeURL, one)
		if err != nil {
			return wrongAnswer{fmt.Errorf("%s %s: %w", answer.typeURL, one.name, err)}
		}
		wanted = append(wanted, names...)
	}
	if err := c.subscribe(dependent[answer.typeURL], wanted, answer.removed); err != nil {
		return err
	}
	if !c.ready && c.isConfigured() {
		c.ready = true
		c.configured.reached(c.index)
	}
	return nil
}

func (c *client) wantedBy(typeURL string, one resource) ([]string, error) {
	switch typeURL {
	case assignmentType:
		return nil, nil
	case virtualHostType:
		if one.value == nil {
			return nil, errors.New("the server knows no such host")
		}
		return nil, nil
	case routeType:
		if len(c.identity.Hosts) == 0 || string(one.name) != c.plan.Route {
			return nil, nil
		}
	}
	names, err := referred(typeURL, one.value)
	if err != nil || typeURL != routeType {
		return names, err
	}
	if len(names) == 0 {
		return nil, errors.New("the server sends this route with all its virtual hosts, not on demand")
	}
	wanted := slices.Clone(names)
	for _, host := range c.identity.Hosts {
		wanted = append(wanted, c.plan.Route+"/"+host)
	}
	return wanted, nil
}

func (c *client) arrived(typeURL string, name []byte) {
	if came, known := c.subscribed[typeURL][string(name)]; known && !came {
		c.subscribed[typeURL][string(name)] = true
		c.missing--
	}
}

// subscribe asks for those names that are new, and for no more of those that went with what referred to them.
func (c *client) subscribe(typeURL string, wanted, removed []string) error {
	request := &discovery.DeltaDiscoveryRequest{TypeUrl: typeURL}
	names := c.subscribed[typeURL]
	for _, name := range wanted {
		if _, known := names[name]; known {
			continue
		}
		// A route's own name stands for all of its virtual hosts that come unasked: none need come.
		came := typeURL == virtualHostType && name == c.plan.Route
		if names[name] = came; !came {
			c.missing++
		}
		request.ResourceNamesSubscribe = append(request.ResourceNamesSubscribe, name)
	}
	for _, name := range removed {
		came, known := names[name]
		if !known {
			continue
		}
		if delete(names, name); !came {
			c.missing--
		}
		request.ResourceNamesUnsubscribe = append(request.ResourceNamesUnsubscribe, name)
	}
	if len(request.ResourceNamesSubscribe)+len(request.ResourceNamesUnsubscribe) == 0 {
		return nil
	}
	return c.stream.SendMsg(request)
}

func (c *client) isConfigured() bool {
	return c.came[listenerType] && c.came[routeType] && c.missing == 0 &&
		len(c.subscribed[assignmentType]) >= c.plan.Assignments &&
		(len(c.identity.Hosts) == 0 || len(c.subscribed[virtualHostType]) > 0)
}
