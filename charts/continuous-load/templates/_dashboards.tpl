{{/* The dashboards of dashboards/*.json, which stay the only copy, as objects that a Grafana finds. Both charts have this file. */}}

{{- define "continuous-load.dashboards.validate" -}}
{{- $dashboards := .Values.dashboards }}
{{- if and $dashboards.enabled (eq $dashboards.kind "grafanaOperator") (empty $dashboards.grafanaOperator.instanceSelector) }}
dashboards.grafanaOperator.instanceSelector is empty, which names no Grafana; give the labels of its resource: {matchLabels: {dashboards: grafana}}
{{- end }}
{{- end }}

{{/*
(root, file, mark): a dashboard as JSON on one line, which is half as long as the file and has room in the annotation that kubectl makes of an object.
`mark` goes into the title, and its hash into the address: two dashboards with one title or address make Grafana refuse both.
*/}}
{{- define "continuous-load.dashboard" -}}
{{- $board := .root.Files.Get .file | fromJson }}
{{- with .mark }}
{{- $hash := sha256sum . | trunc 8 }}
{{- $_ := set $board "title" (printf "%s (%s)" $board.title .) }}
{{- $_ := set $board "uid" (printf "%s-%s" $board.uid $hash) }}
{{- range $board.links }}
{{- if hasPrefix "/d/" .url }}{{ $_ := set . "url" (printf "%s-%s" .url $hash) }}{{ end }}
{{- end }}
{{- end }}
{{- toRawJson $board }}
{{- end }}

{{/* (root, mark): an object for each dashboard. */}}
{{- define "continuous-load.dashboards" -}}
{{- $root := .root }}
{{- $values := $root.Values.dashboards }}
{{- $isOperator := eq $values.kind "grafanaOperator" }}
{{- range $file, $_ := $root.Files.Glob "dashboards/*.json" }}
{{- $json := include "continuous-load.dashboard" (dict "root" $root "file" $file "mark" $.mark) }}
{{- $annotations := $values.annotations }}
{{- if and $values.folder (not $isOperator) }}{{ $annotations = merge (dict $values.folderAnnotation $values.folder) $annotations }}{{ end }}
---
apiVersion: {{ $isOperator | ternary "grafana.integreatly.org/v1beta1" "v1" }}
kind: {{ $isOperator | ternary "GrafanaDashboard" "ConfigMap" }}
metadata:
  {{- include "continuous-load.metadata" (dict "root" $root "component" "dashboards" "name" (include "continuous-load.dashboardName" (dict "root" $root "file" $file)) "labels" $values.labels "annotations" $annotations) | nindent 2 }}
{{- if $isOperator }}
spec:
  instanceSelector:
    {{- toYaml $values.grafanaOperator.instanceSelector | nindent 4 }}
  allowCrossNamespaceImport: {{ $values.grafanaOperator.allowCrossNamespaceImport }}
  resyncPeriod: {{ $values.grafanaOperator.resyncPeriod }}
  {{- with $values.folder }}
  folder: {{ . | quote }}
  {{- end }}
  json: {{ $json | replace "'" "''" | squote }}
{{- else }}
data:
  # A sidecar writes the files of all releases into one folder.
  {{ (fromJson $json).uid }}.json: {{ $json | replace "'" "''" | squote }}
{{- end }}
{{ end }}
{{- end }}

{{/* (root, file): the name of its object. */}}
{{- define "continuous-load.dashboardName" -}}
{{ include "continuous-load.fullname" .root }}-dashboard-{{ base .file | trimSuffix ".json" }}
{{- end }}
