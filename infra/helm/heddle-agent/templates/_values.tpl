{{/* Defaults, then the profile's values, then those given: later ones count. As packages/kube lays them over each other. */}}
{{- define "heddle.values" -}}
{{- $profile := .Values.profile | default "default" -}}
{{- $values := .Files.Get "files/defaults.yaml" | fromYaml -}}
{{- $values = mustMergeOverwrite $values (.Files.Get (printf "files/profiles/%s.yaml" $profile) | fromYaml) (omit .Values "global" | deepCopy) -}}
{{- if not (hasKey $values "isDefault") -}}
{{- $_ := set $values "isDefault" (eq $values.revision "default") -}}
{{- end -}}
{{- if and (not $values.agent.enabled) (or $values.injection.enabled $values.validation.enabled $values.gateways.ingress.enabled $values.gateways.egress.enabled) (not $values.remote.address) -}}
{{- fail "remote.address: name the agent outside of the cluster, since agent.enabled is false" -}}
{{- end -}}
{{- toYaml $values -}}
{{- end -}}

{{/* A name, with the revision's behind it unless that is the usual one: (list NAME VALUES). */}}
{{- define "heddle.name" -}}
{{- $values := index . 1 -}}
{{- index . 0 -}}{{- if ne $values.revision "default" -}}-{{ $values.revision }}{{- end -}}
{{- end -}}

{{- define "heddle.labels" -}}
app.kubernetes.io/managed-by: heddle
app.kubernetes.io/part-of: heddle
heddle.dev/rev: {{ .revision | quote }}
{{- end -}}

{{/* By which Deployment and Service know the agent's pods. */}}
{{- define "heddle.selector" -}}
app.kubernetes.io/name: heddle-agent
heddle.dev/rev: {{ .revision | quote }}
{{- end -}}

{{/* An image's full name: (list IMAGE VALUES). */}}
{{- define "heddle.image" -}}
{{- $registry := (index . 1).images.registry -}}
{{- if $registry -}}{{ trimSuffix "/" $registry }}/{{- end -}}{{ index . 0 }}
{{- end -}}

{{/* Rules of the table of rights, whose names are the usual revision's, but for what all revisions share: (list RULES VALUES). */}}
{{- define "heddle.rules" -}}
{{- $values := index . 1 -}}
{{- $rules := list -}}
{{- range index . 0 -}}
{{- $rule := . -}}
{{- if hasKey $rule "resourceNames" -}}
{{- $names := list -}}
{{- range $rule.resourceNames -}}{{- $names = append $names (ternary . (include "heddle.name" (list . $values)) (eq . "heddle-agent-identity")) -}}{{- end -}}
{{- $_ := set $rule "resourceNames" $names -}}
{{- end -}}
{{- $rules = append $rules $rule -}}
{{- end -}}
{{- toYaml $rules -}}
{{- end -}}

{{/* The name by which proxies reach the agent: (list ROOT VALUES). */}}
{{- define "heddle.agentHost" -}}
{{- $values := index . 1 -}}
{{- if $values.agent.enabled -}}
{{- include "heddle.name" (list "heddle-agent" $values) }}.{{ (index . 0).Release.Namespace }}.svc
{{- else -}}
{{- $values.remote.address -}}
{{- end -}}
{{- end -}}

{{/* Where pods run; replicas on machines of their own unless values say otherwise: (list PODS SELECTOR). */}}
{{- define "heddle.affinity" -}}
{{- with (index . 0).affinity -}}
{{- toYaml . -}}
{{- else -}}
podAntiAffinity:
  preferredDuringSchedulingIgnoredDuringExecution:
    - weight: 100
      podAffinityTerm:
        labelSelector:
          matchLabels:
            {{- toYaml (index . 1) | nindent 12 }}
        topologyKey: kubernetes.io/hostname
{{- end -}}
{{- end -}}

{{/* A budget and an autoscaler of a Deployment: (list METADATA SELECTOR PODS). */}}
{{- define "heddle.availability" -}}
{{- $metadata := index . 0 -}}
{{- $selector := index . 1 -}}
{{- $pods := index . 2 -}}
{{- $scaling := $pods.autoscaling -}}
{{- $least := ternary $scaling.minReplicas $pods.replicas $scaling.enabled | int -}}
{{- /* A budget of one pod out of one would keep its machine from ever being emptied. */ -}}
{{- if and $pods.disruptionBudget.enabled (gt $least 1) }}
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata:
  {{- toYaml $metadata | nindent 2 }}
spec:
  minAvailable: 1
  selector:
    matchLabels:
      {{- toYaml $selector | nindent 6 }}
{{- end }}
{{- if $scaling.enabled }}
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata:
  {{- toYaml $metadata | nindent 2 }}
spec:
  minReplicas: {{ $scaling.minReplicas }}
  maxReplicas: {{ $scaling.maxReplicas }}
  scaleTargetRef:
    apiVersion: apps/v1
    kind: Deployment
    name: {{ $metadata.name }}
  metrics:
    - type: Resource
      resource:
        name: cpu
        target:
          type: Utilization
          averageUtilization: {{ $scaling.targetCpuPercent }}
{{- end }}
{{- end -}}

{{/* Whether a plane is installed beside the agent: empty where not. */}}
{{- define "heddle.planeBeside" -}}
{{- if and .plane.install (eq .plane.url "") -}}true{{- end -}}
{{- end -}}

{{/* The Secret of the agent's token: of a plane beside it, it is called by the revision. */}}
{{- define "heddle.tokenSecret" -}}
{{- if include "heddle.planeBeside" . -}}
{{- include "heddle.name" (list .plane.tokenSecret.name .) -}}
{{- else -}}
{{- .plane.tokenSecret.name -}}
{{- end -}}
{{- end -}}

{{/* The plane that the agent joins, empty where it stands alone: (list NAMESPACE VALUES). */}}
{{- define "heddle.planeUrl" -}}
{{- $values := index . 1 -}}
{{- if include "heddle.planeBeside" $values -}}
{{- printf "http://%s.%s.svc:%v" (include "heddle.name" (list "heddle-plane" $values)) (index . 0) $values.plane.server.service.port -}}
{{- else -}}
{{- $values.plane.url -}}
{{- end -}}
{{- end -}}
