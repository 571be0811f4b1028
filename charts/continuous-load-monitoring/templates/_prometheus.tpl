{{/* The Prometheus of the demo: its files, and its pod. */}}

{{/* prometheus.yaml: who is scraped, with the labels that monitors of continuous-load give. */}}
{{- define "continuous-load-monitoring.prometheus.config" -}}
{{- $prometheus := .Values.demo.prometheus }}
global:
  scrape_interval: {{ $prometheus.interval }}
  evaluation_interval: {{ $prometheus.interval }}
{{- if .Values.rules.enabled }}
rule_files:
  - /etc/prometheus/rules.yaml
{{- end }}
{{- with $prometheus.alertmanagers }}
alerting:
  alertmanagers:
    - static_configs:
        - targets:
            {{- toYaml . | nindent 12 }}
{{- end }}
scrape_configs:
  - job_name: continuous-load
    sample_limit: {{ int .Values.monitoring.sampleLimit }}
    kubernetes_sd_configs:
      - role: pod
        {{- with $prometheus.namespaces }}
        namespaces:
          names:
            {{- toYaml . | nindent 12 }}
        {{- end }}
        selectors:
          - role: pod
            label: {{ $prometheus.podSelector | quote }}
    relabel_configs:
      # Of a target the admin port, of an injector that of its metrics.
      - source_labels: [__meta_kubernetes_pod_container_port_name]
        regex: admin|metrics
        action: keep
      # A pod whose run is over answers nobody.
      - source_labels: [__meta_kubernetes_pod_phase]
        regex: Succeeded|Failed
        action: drop
      {{- $labels := list "namespace" "namespace" "pod_name" "pod" "pod_container_name" "container" "pod_node_name" "node" "pod_label_app_kubernetes_io_instance" "release" "pod_label_job_name" "run" }}
      {{- range $pair := chunk 2 $labels }}
      - source_labels: [__meta_kubernetes_{{ first $pair }}]
        target_label: {{ last $pair }}
      {{- end }}
      - source_labels: [namespace, release, __meta_kubernetes_pod_label_app_kubernetes_io_component]
        separator: /
        target_label: job
{{- end }}

{{- define "continuous-load-monitoring.prometheus.rules" -}}
groups:
  {{- include "continuous-load-monitoring.groups" . | nindent 2 }}
{{- end }}

{{- define "continuous-load-monitoring.prometheus.spec" -}}
{{- $prometheus := .Values.demo.prometheus }}
# It asks the API server who is there.
automountServiceAccountToken: true
{{ include "continuous-load.podSettings" (dict "root" . "security" .Values.podSecurityContext) }}
terminationGracePeriodSeconds: 60
containers:
  - name: prometheus
    {{- include "continuous-load-monitoring.container" (dict "root" . "values" $prometheus) | nindent 4 }}
    args:
      - --config.file=/etc/prometheus/prometheus.yaml
      - --storage.tsdb.path=/prometheus
      - --storage.tsdb.retention.time={{ $prometheus.retention }}
      # Beyond its room the node would end the pod; some is for what is not yet packed.
      - --storage.tsdb.retention.size={{ div (mul (include "continuous-load.bytes" $prometheus.storage | int64) 3) 4 }}B
      - --web.listen-address=:9090
      {{- with $prometheus.extraArgs }}
      {{- toYaml . | nindent 6 }}
      {{- end }}
    ports:
      - name: http
        containerPort: 9090
        protocol: TCP
    {{- include "continuous-load-monitoring.probes" (dict "live" "/-/healthy" "ready" "/-/ready") | nindent 4 }}
    volumeMounts:
      - name: config
        mountPath: /etc/prometheus
        readOnly: true
      - name: data
        mountPath: /prometheus
volumes:
  - name: config
    configMap:
      name: {{ include "continuous-load-monitoring.demoName" (dict "root" . "component" "prometheus") }}
  - name: data
    emptyDir:
      sizeLimit: {{ $prometheus.storage }}
{{- end }}
