{{/* What the monitors of the target and of the injector have in common, and the ports of the network policies. */}}

{{/* By number: names are not understood by every network plugin where they stand in rules for what goes out. */}}
{{- define "continuous-load.policyPorts" -}}
{{- range include "continuous-load.target.listeners" . | trim | splitList "\n" }}
{{- $row := splitList " " . }}
- { port: {{ get $.Values.target.ports (index $row 1) | int }}, protocol: {{ index $row 2 }} }
{{- end }}
{{- end }}

{{/* (root, component, port): the spec of a PodMonitor or ServiceMonitor. */}}
{{- define "continuous-load.operatorMonitor" -}}
{{- $monitoring := .root.Values.monitoring }}
selector:
  matchLabels:
    {{- include "continuous-load.selector" . | nindent 4 }}
    {{- if eq $monitoring.prometheusOperator.kind "ServiceMonitor" }}
    # The target's other service leads to the same pods.
    continuous-load/scrape: "true"
    {{- end }}
sampleLimit: {{ int $monitoring.sampleLimit }}
{{- if $monitoring.prometheusOperator.convertHistograms }}
convertClassicHistogramsToNHCB: true
{{- end }}
{{ eq $monitoring.prometheusOperator.kind "PodMonitor" | ternary "podMetricsEndpoints" "endpoints" }}:
  - port: {{ .port }}
    path: /metrics
    interval: {{ $monitoring.interval }}
    {{- with $monitoring.scrapeTimeout }}
    scrapeTimeout: {{ . }}
    {{- end }}
    relabelings:
      - sourceLabels: [__meta_kubernetes_pod_label_app_kubernetes_io_instance]
        targetLabel: release
      - sourceLabels: [__meta_kubernetes_pod_node_name]
        targetLabel: node
      {{- if and (eq .component "injector") (eq .root.Values.injector.mode "job") }}
      - sourceLabels: [__meta_kubernetes_pod_label_job_name]
        targetLabel: run
      {{- end }}
{{- end }}

{{/* The same for Google's PodMonitoring. */}}
{{- define "continuous-load.googleMonitor" -}}
{{- $monitoring := .root.Values.monitoring }}
selector:
  matchLabels:
    {{- include "continuous-load.selector" . | nindent 4 }}
limits:
  samples: {{ int $monitoring.sampleLimit }}
endpoints:
  - port: {{ .port }}
    path: /metrics
    interval: {{ $monitoring.interval }}
    {{- with $monitoring.scrapeTimeout }}
    timeout: {{ . }}
    {{- end }}
targetLabels:
  metadata: [pod, container, node]
  fromPod:
    - from: app.kubernetes.io/instance
      to: release
    {{- if and (eq .component "injector") (eq .root.Values.injector.mode "job") }}
    - from: job-name
      to: run
    {{- end }}
{{- end }}
