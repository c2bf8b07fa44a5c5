{{/* Defaults, then the profile's values, then those given: later ones count. As packages/kube lays them over each other. */}}
{{- define "heddle.values" -}}
{{- $profile := .Values.profile | default "default" -}}
{{- $values := .Files.Get "files/defaults.yaml" | fromYaml -}}
{{- $values = mustMergeOverwrite $values (.Files.Get (printf "files/profiles/%s.yaml" $profile) | fromYaml) (omit .Values "global" | deepCopy) -}}
{{- if not (hasKey $values "isDefault") -}}
{{- $_ := set $values "isDefault" (eq $values.revision "default") -}}
{{- end -}}
{{- if and (not $values.agent.enabled) (or $values.injection.enabled $values.validation.enabled) (not $values.remote.address) -}}
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

{{/* Rules of the table of rights, whose names are the usual revision's: (list RULES VALUES). */}}
{{- define "heddle.rules" -}}
{{- $values := index . 1 -}}
{{- $rules := list -}}
{{- range index . 0 -}}
{{- $rule := . -}}
{{- if hasKey $rule "resourceNames" -}}
{{- $names := list -}}
{{- range $rule.resourceNames -}}{{- $names = append $names (include "heddle.name" (list . $values)) -}}{{- end -}}
{{- $_ := set $rule "resourceNames" $names -}}
{{- end -}}
{{- $rules = append $rules $rule -}}
{{- end -}}
{{- toYaml $rules -}}
{{- end -}}
