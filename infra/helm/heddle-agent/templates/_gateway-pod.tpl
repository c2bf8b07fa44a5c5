{{/* A gateway's pod, out of the one in files: (dict "root" "values" "gateway" "app" "name" "selector" "labels"). */}}
{{- define "heddle.gatewayPod" -}}
{{- $values := .values -}}
{{- $gateway := .gateway -}}
{{- $made := .root.Files.Get "files/gateway-pod.yaml" | fromYaml -}}
{{- $given := omit $gateway.labels "security.istio.io/tlsMode" "service.istio.io/canonical-name" "service.istio.io/canonical-revision" -}}
{{- $labels := mustMergeOverwrite (deepCopy $given) (deepCopy .labels) -}}
{{- $host := include "heddle.agentHost" (list .root $values) -}}
{{- $domain := $values.mesh.clusterDomain -}}
{{- $whole := ternary (printf "%s.%s" $host $domain) $host (hasSuffix ".svc" $host) -}}
{{- $cluster := $values.mesh.clusterId | default "Kubernetes" | toJson | replace "$" "$$" -}}
{{- $words := list -}}
{{- $container := first $made.spec.containers -}}
{{- range $container.args -}}
{{- $word := replace "\"app\":\"HEDDLE_APP\",\"HEDDLE_LABELS\":\"HEDDLE_LABELS\"" (toJson $labels | trimPrefix "{" | trimSuffix "}") . -}}
{{- $word = $word | replace "\"HEDDLE_CLUSTER_ID\"" $cluster | replace "HEDDLE_AGENT.svc.HEDDLE_DOMAIN" $whole | replace "HEDDLE_AGENT.svc" $host -}}
{{- $word = $word | replace "HEDDLE_DOMAIN" $domain | replace "HEDDLE_GATEWAY" $.name | replace "HEDDLE_APP" $.app -}}
{{- $words = append $words $word -}}
{{- end -}}
{{- $image := include "heddle.image" (list $values.images.proxy $values) -}}
{{- $_ := set $container "args" $words -}}
{{- $_ := set $container "image" $image -}}
{{- $_ := set $container "resources" $gateway.resources -}}
{{- with $values.images.pullPolicy }}{{ $_ := set $container "imagePullPolicy" . }}{{ end -}}
{{- /* Without a shell its clients cannot be told to go elsewhere. */ -}}
{{- if regexMatch ":(contrib-)?distroless-" $image -}}
{{- $_ := set $container "lifecycle" (dict "preStop" (dict "sleep" (dict "seconds" 5))) -}}
{{- end -}}
{{- $spec := mustMergeOverwrite $made.spec (dict "serviceAccountName" .name "containers" (list $container)) -}}
{{- $_ := set $spec "affinity" (include "heddle.affinity" (list $gateway .selector) | fromYaml) -}}
{{- if $values.images.pullSecrets -}}
{{- $secrets := list -}}
{{- range $values.images.pullSecrets }}{{ $secrets = append $secrets (dict "name" .) }}{{ end -}}
{{- $_ := set $spec "imagePullSecrets" $secrets -}}
{{- end -}}
{{- with $gateway.nodeSelector }}{{ $_ := set $spec "nodeSelector" . }}{{ end -}}
{{- with $gateway.tolerations }}{{ $_ := set $spec "tolerations" . }}{{ end -}}
{{- with $gateway.priorityClass }}{{ $_ := set $spec "priorityClassName" . }}{{ end -}}
{{- $fixed := dict "security.istio.io/tlsMode" "istio" "service.istio.io/canonical-name" .app "service.istio.io/canonical-revision" "latest" "sidecar.istio.io/inject" "false" -}}
{{- $metadata := dict "labels" (mustMergeOverwrite $labels $fixed) "annotations" (mustMergeOverwrite (deepCopy $gateway.annotations) $made.annotations) -}}
{{- toYaml (dict "metadata" $metadata "spec" $spec) -}}
{{- end -}}
