package main

import (
	"hash/maphash"
	"sync"

	cluster "github.com/envoyproxy/go-control-plane/envoy/config/cluster/v3"
	listener "github.com/envoyproxy/go-control-plane/envoy/config/listener/v3"
	route "github.com/envoyproxy/go-control-plane/envoy/config/route/v3"
	manager "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/network/http_connection_manager/v3"
	"google.golang.org/protobuf/proto"
)

const (
	typePrefix      = "type.googleapis.com/"
	clusterType     = typePrefix + "envoy.config.cluster.v3.Cluster"
	assignmentType  = typePrefix + "envoy.config.endpoint.v3.ClusterLoadAssignment"
	listenerType    = typePrefix + "envoy.config.listener.v3.Listener"
	routeType       = typePrefix + "envoy.config.route.v3.RouteConfiguration"
	virtualHostType = typePrefix + "envoy.config.route.v3.VirtualHost"
)

// references remembers what resources refer to, by their bytes: clients are mostly sent the same ones, which are read once.
var references = struct {
	sync.RWMutex
	seed  maphash.Seed
	names map[uint64][]string
}{seed: maphash.MakeSeed(), names: map[uint64][]string{}}

// referred is what a resource of that type makes an Envoy ask for: a cluster's load assignment, a listener's routes, the
// virtual hosts of a route, which it then asks for by the route's own name first.
func referred(typeURL string, value []byte) ([]string, error) {
	key := maphash.Bytes(references.seed, value)
	references.RLock()
	names, known := references.names[key]
	references.RUnlock()
	if known {
		return names, nil
	}
	names, err := read(typeURL, value)
	references.Lock()
	references.names[key] = names
	references.Unlock()
	return names, err
}

func read(typeURL string, value []byte) ([]string, error) {
	switch typeURL {
	case clusterType:
		one := &cluster.Cluster{}
		if err := proto.Unmarshal(value, one); err != nil || one.GetType() != cluster.Cluster_EDS {
			return nil, err
		}
		if name := one.GetEdsClusterConfig().GetServiceName(); name != "" {
			return []string{name}, nil
		}
		return []string{one.Name}, nil
	case listenerType:
		one := &listener.Listener{}
		if err := proto.Unmarshal(value, one); err != nil {
			return nil, err
		}
		var names []string
		for _, chain := range append(one.FilterChains, one.DefaultFilterChain) {
			for _, filter := range chain.GetFilters() {
				http := &manager.HttpConnectionManager{}
				if filter.GetTypedConfig().UnmarshalTo(http) == nil && http.GetRds() != nil {
					names = append(names, http.GetRds().RouteConfigName)
				}
			}
		}
		return names, nil
	case routeType:
		one := &route.RouteConfiguration{}
		if err := proto.Unmarshal(value, one); err != nil || one.Vhds == nil {
			return nil, err
		}
		return []string{one.Name}, nil
	}
	return nil, nil
}
