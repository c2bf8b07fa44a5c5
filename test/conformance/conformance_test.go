// Package conformance runs the Gateway API's own suite on a cluster in which an agent is. Its flags are the suite's.
package conformance

import (
	"testing"

	"sigs.k8s.io/gateway-api/conformance"
)

func TestConformance(t *testing.T) {
	conformance.RunConformance(t)
}
