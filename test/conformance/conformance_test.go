// Package conformance runs the Gateway API's own suite on a cluster in which an agent is. Its flags are the suite's.
package conformance

import (
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"

	"sigs.k8s.io/gateway-api/conformance"
)

const (
	meshManifests = "mesh/manifests.yaml"
	injected      = "mesh/injected.yaml"
	namespace     = "kind: Namespace"
	labelled      = "\n  labels:\n    gateway-conformance:"
	alsoInjected  = "\n  labels:\n    istio-injection: enabled\n    gateway-conformance:"
)

func TestConformance(t *testing.T) {
	options := conformance.DefaultOptions(t)
	manifests, err := fs.ReadFile(conformance.Manifests, meshManifests)
	if err != nil {
		t.Fatal(err)
	}
	theirs := string(manifests)
	if strings.Count(theirs, namespace) != strings.Count(theirs, labelled) {
		t.Fatalf("the namespaces of %s are not labelled as they were", meshManifests)
	}
	// The suite's own flag would label all namespaces: those behind gateways would be of the mesh too.
	ours := strings.ReplaceAll(theirs, labelled, alsoInjected)
	options.ManifestFS = append(options.ManifestFS, fstest.MapFS{injected: {Data: []byte(ours)}})
	options.MeshManifests = injected
	conformance.RunConformanceWithOptions(t, options)
}
