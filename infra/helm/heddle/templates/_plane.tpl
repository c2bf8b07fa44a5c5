{{/* All objects of a plane: (dict "namespace" NAMESPACE "name" NAME "labels" LABELS "selector" LABELS "values" VALUES). As packages/kube/src/plane makes them. */}}
{{- define "heddle.plane" -}}
{{- $values := .values }}
{{- $name := .name }}
{{- $namespace := .namespace | quote }}
{{- $keys := printf "%s-keys" $name }}
{{- $storage := $values.storage }}
{{- $keepsData := or $storage.persistent (ne $values.database.name "") }}
{{- $dataLabels := .labels }}
{{- if $keepsData }}
{{- $dataLabels = mustMerge (dict "heddle.dev/data" "kept") .labels }}
{{- end }}
apiVersion: v1
kind: ServiceAccount
metadata:
  name: {{ $name }}
  namespace: {{ $namespace }}
  labels:
    {{- toYaml .labels | nindent 4 }}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata:
  name: {{ $name }}
  namespace: {{ $namespace }}
  labels:
    {{- toYaml .labels | nindent 4 }}
rules:
  - apiGroups: [""]
    resources: [secrets]
    resourceNames: [{{ $keys }}, {{ $values.tokenSecret.name | quote }}]
    verbs: [get, update]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata:
  name: {{ $name }}
  namespace: {{ $namespace }}
  labels:
    {{- toYaml .labels | nindent 4 }}
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: Role
  name: {{ $name }}
subjects:
  - kind: ServiceAccount
    name: {{ $name }}
    namespace: {{ $namespace }}
---
{{- /* Both Secrets are empty: the plane fills them, so that no manifest holds a secret, and none is written over. */}}
apiVersion: v1
kind: Secret
metadata:
  name: {{ $keys }}
  namespace: {{ $namespace }}
  labels:
    {{- toYaml $dataLabels | nindent 4 }}
  {{- if and $keepsData $storage.keep }}
  annotations:
    helm.sh/resource-policy: keep
  {{- end }}
type: Opaque
---
apiVersion: v1
kind: Secret
metadata:
  name: {{ $values.tokenSecret.name | quote }}
  namespace: {{ $namespace }}
  labels:
    {{- toYaml .labels | nindent 4 }}
type: Opaque
{{- if and $storage.persistent (eq $storage.claim "") }}
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata:
  name: {{ $name }}-data
  namespace: {{ $namespace }}
  labels:
    {{- toYaml $dataLabels | nindent 4 }}
  {{- if $storage.keep }}
  annotations:
    helm.sh/resource-policy: keep
  {{- end }}
spec:
  accessModes: [ReadWriteOnce]
  resources:
    requests:
      storage: {{ $storage.size | quote }}
  {{- with $storage.class }}
  storageClassName: {{ . | quote }}
  {{- end }}
{{- end }}
---
apiVersion: v1
kind: Service
metadata:
  name: {{ $name }}
  namespace: {{ $namespace }}
  labels:
    {{- toYaml .labels | nindent 4 }}
  {{- with $values.service.annotations }}
  annotations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
spec:
  type: {{ $values.service.type }}
  selector:
    {{- toYaml .selector | nindent 4 }}
  ports:
    - name: http
      port: {{ $values.service.port }}
      targetPort: http
      protocol: TCP
      {{- if and (ne $values.service.type "ClusterIP") (gt (int $values.service.nodePort) 0) }}
      nodePort: {{ $values.service.nodePort }}
      {{- end }}
---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ $name }}
  namespace: {{ $namespace }}
  labels:
    {{- toYaml .labels | nindent 4 }}
spec:
  {{- /* One process has the data; while it is replaced agents go on with what they have. */}}
  replicas: 1
  strategy: { type: Recreate }
  selector:
    matchLabels:
      {{- toYaml .selector | nindent 6 }}
  template:
    metadata:
      labels:
        {{- mustMergeOverwrite (deepCopy $values.labels) .labels .selector (dict "sidecar.istio.io/inject" "false") | toYaml | nindent 8 }}
      {{- with $values.annotations }}
      annotations:
        {{- toYaml . | nindent 8 }}
      {{- end }}
    spec:
      serviceAccountName: {{ $name }}
      terminationGracePeriodSeconds: 30
      securityContext:
        runAsNonRoot: true
        runAsUser: 65532
        runAsGroup: 65532
        fsGroup: 65532
        seccompProfile: { type: RuntimeDefault }
      containers:
        - name: plane
          {{- $registry := $values.images.registry }}
          image: {{ printf "%s%s" (ternary (printf "%s/" (trimSuffix "/" $registry)) "" (ne $registry "")) $values.images.plane | quote }}
          {{- with $values.images.pullPolicy }}
          imagePullPolicy: {{ . }}
          {{- end }}
          args:
            - server
            - --host=0.0.0.0
            - --port=8700
            - --console=/app/console
            - --data=/var/lib/heddle/data
            - {{ printf "--mesh=%s" $values.mesh.name | quote }}
            - {{ printf "--trust-domain=%s" $values.mesh.trustDomain | quote }}
            - {{ printf "--trace-sampling=%v" $values.traceSampling | quote }}
            - {{ printf "--keys-secret=%s" $keys | quote }}
            - {{ printf "--join-secret=%s/%s" $values.tokenSecret.name $values.tokenSecret.key | quote }}
            {{- with $values.arguments }}
            {{- toYaml . | nindent 12 }}
            {{- end }}
          env:
            - name: POD_NAMESPACE
              valueFrom: { fieldRef: { fieldPath: metadata.namespace } }
            {{- with $values.database }}
            {{- if .name }}
            - name: DATABASE_URL
              valueFrom: { secretKeyRef: { name: {{ .name | quote }}, key: {{ .key | quote }} } }
            {{- end }}
            {{- end }}
            {{- with $values.envelopeKey }}
            {{- if .name }}
            - name: HEDDLE_ENVELOPE_KEY
              valueFrom: { secretKeyRef: { name: {{ .name | quote }}, key: {{ .key | quote }} } }
            {{- end }}
            {{- end }}
            {{- with $values.kms }}
            {{- if .key }}
            - name: HEDDLE_KMS_KEY
              value: {{ .key | quote }}
            - name: HEDDLE_KMS_MODE
              value: {{ .mode | quote }}
            {{- if .namespace }}
            - name: HEDDLE_KMS_NAMESPACE
              value: {{ .namespace | quote }}
            {{- end }}
            - name: HEDDLE_KMS_TOKEN_FILE
              value: {{ printf "/var/run/secrets/heddle-kms/%s" .tokenSecret.key | quote }}
            {{- end }}
            {{- end }}
            {{- range $key, $value := $values.environment }}
            - name: {{ $key | quote }}
              value: {{ $value | quote }}
            {{- end }}
          ports:
            - { name: http, containerPort: 8700, protocol: TCP }
          startupProbe:
            httpGet: { path: /healthz, port: http }
            periodSeconds: 1
            failureThreshold: 300
          livenessProbe:
            httpGet: { path: /healthz, port: http }
            periodSeconds: 10
            timeoutSeconds: 10
          readinessProbe:
            httpGet: { path: /readyz, port: http }
            periodSeconds: 2
            timeoutSeconds: 5
          resources:
            {{- toYaml $values.resources | nindent 12 }}
          securityContext:
            allowPrivilegeEscalation: false
            capabilities: { drop: [ALL] }
            readOnlyRootFilesystem: true
          volumeMounts:
            - { name: state, mountPath: /var/lib/heddle }
            - { name: tmp, mountPath: /tmp }
            {{- if $values.kms.key }}
            - { name: kms, mountPath: /var/run/secrets/heddle-kms, readOnly: true }
            {{- end }}
      volumes:
        - name: state
          {{- if $storage.persistent }}
          persistentVolumeClaim: { claimName: {{ $storage.claim | default (printf "%s-data" $name) | quote }} }
          {{- else }}
          emptyDir: {}
          {{- end }}
        - { name: tmp, emptyDir: {} }
        {{- if $values.kms.key }}
        - { name: kms, secret: { secretName: {{ $values.kms.tokenSecret.name | quote }} } }
        {{- end }}
      {{- with $values.images.pullSecrets }}
      imagePullSecrets:
        {{- range . }}
        - name: {{ . | quote }}
        {{- end }}
      {{- end }}
      {{- with $values.affinity }}
      affinity:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      {{- with $values.nodeSelector }}
      nodeSelector:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      {{- with $values.tolerations }}
      tolerations:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      {{- with $values.priorityClass }}
      priorityClassName: {{ . | quote }}
      {{- end }}
{{- end -}}
