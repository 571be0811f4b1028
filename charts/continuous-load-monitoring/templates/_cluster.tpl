{{/* What is this chart's own of the names and the rules. */}}

{{/* Begins the name of what has no namespace. With a dot, which no namespace has: else `a` and `b-c` would be `a-b` and `c`. */}}
{{- define "continuous-load-monitoring.clusterName" -}}
{{ include "continuous-load.namespace" . }}.{{ include "continuous-load.fullname" . }}
{{- end }}

{{/* The groups of rules, about all releases. */}}
{{- define "continuous-load-monitoring.groups" -}}
{{- include "continuous-load.rules.groups" (dict "root" . "selectors" dict "without" list "wrong" "") }}
{{- end }}

{{- define "continuous-load-monitoring.prometheusUrl" -}}
{{- $own := printf "http://%s-prometheus.%s.svc.%s:9090" (include "continuous-load.fullname" .) (include "continuous-load.namespace" .) .Values.clusterDomain }}
{{- .Values.demo.grafana.prometheusUrl | default $own }}
{{- end }}

{{- define "continuous-load-monitoring.grafanaSecret" -}}
{{ .Values.demo.grafana.existingSecret | default (printf "%s-grafana" (include "continuous-load.fullname" .)) }}
{{- end }}

{{/* What the schema cannot see: values that contradict each other. A line for each thing that is wrong. */}}
{{- define "continuous-load-monitoring.wrong" -}}
{{- $prometheus := .Values.demo.prometheus }}
{{- $grafana := .Values.demo.grafana }}
{{- include "continuous-load.dashboards.validate" . }}
{{- include "continuous-load.validate.labels" (dict "key" "commonLabels" "labels" .Values.commonLabels) }}
{{- range $key := list "prometheus" "grafana" }}
{{- include "continuous-load.validate.labels" (dict "key" (printf "demo.%s.podLabels" $key) "labels" (get $.Values.demo $key).podLabels) }}
{{- end }}
{{- include "continuous-load.validate.name" . }}
{{- if not (or .Values.dashboards.enabled $prometheus.enabled $grafana.enabled (and .Values.rules.enabled (ne .Values.monitoring.provider "none"))) }}
nothing is installed; set dashboards.enabled to true, or monitoring.provider to who evaluates the rules, or demo.prometheus.enabled to true
{{- end }}
{{- if and $grafana.enabled (not (and .Values.dashboards.enabled (eq .Values.dashboards.kind "configMap"))) }}
demo.grafana.enabled needs the dashboards as ConfigMaps; set dashboards.enabled to true and dashboards.kind to configMap
{{- end }}
{{- if and $grafana.enabled (not $prometheus.enabled) (empty $grafana.prometheusUrl) }}
demo.grafana.enabled has nobody to ask; set demo.prometheus.enabled to true, or demo.grafana.prometheusUrl to http://prometheus.monitoring.svc:9090 or whatever yours is
{{- end }}
{{- if and $prometheus.enabled .Values.rules.enabled (eq .Values.monitoring.provider "prometheusOperator") }}
demo.prometheus.enabled and monitoring.provider prometheusOperator would both evaluate the rules and each send its alerts; set demo.prometheus.enabled to false, or rules.enabled to false
{{- end }}
{{- $keys := dict "--config.file" "this chart" "--storage.tsdb.path" "this chart" "--storage.tsdb.retention.time" "demo.prometheus.retention" "--storage.tsdb.retention.size" "demo.prometheus.storage" "--web.listen-address" "this chart" }}
{{- range $index, $argument := $prometheus.extraArgs }}
{{- with get $keys (first (splitList "=" $argument)) }}
demo.prometheus.extraArgs[{{ $index }}] ({{ $argument }}) is set by {{ . }}; leave it out
{{- end }}
{{- end }}
{{- end }}
