{{/* What all pods have in common, of both charts. */}}

{{/* (root, image): its name, with digest or tag. */}}
{{- define "continuous-load.image" -}}
{{- $image := .image }}
{{- $registry := $image.registry | default .root.Values.global.imageRegistry }}
{{- $name := ternary (printf "%s/%s" $registry $image.repository) $image.repository (not (empty $registry)) }}
{{- if $image.digest }}{{ $name }}@{{ $image.digest }}
{{- else }}{{ $name }}:{{ $image.tag | default .root.Chart.AppVersion }}
{{- end }}
{{- end }}

{{/* (root): the head of every pod's spec. */}}
{{- define "continuous-load.podHead" -}}
serviceAccountName: {{ include "continuous-load.serviceAccountName" . }}
# Nobody here speaks to the API server.
automountServiceAccountToken: false
{{ include "continuous-load.podSettings" (dict "root" . "security" .Values.podSecurityContext) }}
{{- end }}

{{/* (root, security): what every pod has, whoever it is. */}}
{{- define "continuous-load.podSettings" -}}
# Variables for each service of the namespace are long, and a service named `cload` would set our flags.
enableServiceLinks: false
{{- with .root.Values.imagePullSecrets | default .root.Values.global.imagePullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ if kindIs "map" . }}{{ .name }}{{ else }}{{ . }}{{ end }}
  {{- end }}
{{- end }}
{{- with .security }}
securityContext:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{/* (root, program): the head of every container. */}}
{{- define "continuous-load.containerHead" -}}
image: {{ include "continuous-load.image" (dict "root" .root "image" .root.Values.image) | quote }}
imagePullPolicy: {{ .root.Values.image.pullPolicy }}
command: [/{{ .program }}]
{{- with .root.Values.securityContext }}
securityContext:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{/* (root, component, values): where pods run. */}}
{{- define "continuous-load.scheduling" -}}
{{- with .values.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- with .values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .values.affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{/* (root, component, values): how pods are spread, where there is a choice. */}}
{{- define "continuous-load.spread" -}}
{{- $selector := dict "matchLabels" (include "continuous-load.selector" . | fromYaml) }}
{{- $evenly := list }}
{{- range $key := list "topology.kubernetes.io/zone" "kubernetes.io/hostname" }}
{{- $evenly = append $evenly (dict "maxSkew" 1 "topologyKey" $key "whenUnsatisfiable" "ScheduleAnyway") }}
{{- end }}
topologySpreadConstraints:
  {{- range .values.topologySpreadConstraints | default $evenly }}
  - {{ merge (dict) . (dict "labelSelector" $selector) | toYaml | indent 4 | trim }}
  {{- end }}
{{- end }}

{{/* (provider, port): annotations by which an annotated pod is found. */}}
{{- define "continuous-load.scrapeAnnotations" -}}
{{- if eq .root.Values.monitoring.provider "annotations" }}
prometheus.io/scrape: "true"
prometheus.io/path: /metrics
prometheus.io/port: {{ .port | toString | quote }}
{{- end }}
{{- end }}

{{/* A duration of whole h, m and s, in seconds. */}}
{{- define "continuous-load.seconds" -}}
{{- $seconds := 0 }}
{{- range regexFindAll "[0-9]+[hms]" (toString .) -1 }}
{{- $unit := ternary 3600 (ternary 60 1 (hasSuffix "m" .)) (hasSuffix "h" .) }}
{{- $seconds = add $seconds (mul $unit (regexFind "[0-9]+" . | atoi)) }}
{{- end }}
{{- $seconds }}
{{- end }}

{{/* A size or a quantity (64KiB, 64Ki, 64M), in bytes. */}}
{{- define "continuous-load.bytes" -}}
{{- $unit := regexFind "[KMG]i?" (upper . | replace "I" "i") }}
{{- $factor := get (dict "" 1 "K" 1000 "M" 1000000 "G" 1000000000 "Ki" 1024 "Mi" 1048576 "Gi" 1073741824) $unit }}
{{- mulf (regexFind "^[0-9.]+" . | float64) $factor | int64 }}
{{- end }}
