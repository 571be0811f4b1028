{{/* The Grafana of the demo: its files, and its pod. */}}

{{- define "continuous-load-monitoring.grafana.datasources" -}}
apiVersion: 1
datasources:
  - name: Continuous load
    uid: continuous-load
    type: prometheus
    access: proxy
    isDefault: true
    url: {{ include "continuous-load-monitoring.prometheusUrl" . | quote }}
    jsonData:
      httpMethod: POST
      # Rates are taken over four of these at least.
      timeInterval: {{ .Values.demo.prometheus.interval }}
{{- end }}

{{- define "continuous-load-monitoring.grafana.providers" -}}
apiVersion: 1
providers:
  - name: continuous-load
    type: file
    folder: {{ .Values.dashboards.folder | quote }}
    options:
      path: /etc/continuous-load/dashboards
{{- end }}

{{- define "continuous-load-monitoring.grafana.env" -}}
{{- $secret := include "continuous-load-monitoring.grafanaSecret" . }}
{{- range $variable, $key := dict "GF_SECURITY_ADMIN_USER" "admin-user" "GF_SECURITY_ADMIN_PASSWORD" "admin-password" }}
- name: {{ $variable }}
  valueFrom:
    secretKeyRef:
      name: {{ $secret }}
      key: {{ $key }}
{{- end }}
{{- $settings := dict
  "GF_PATHS_PROVISIONING" "/etc/continuous-load/provisioning"
  "GF_LOG_MODE" "console"
  "GF_PLUGINS_PREINSTALL_DISABLED" "true"
  "GF_ANALYTICS_REPORTING_ENABLED" "false"
  "GF_ANALYTICS_CHECK_FOR_UPDATES" "false"
  "GF_ANALYTICS_CHECK_FOR_PLUGIN_UPDATES" "false" }}
{{- range $variable, $value := $settings }}
- name: {{ $variable }}
  value: {{ $value | quote }}
{{- end }}
{{- with .Values.demo.grafana.extraEnv }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "continuous-load-monitoring.grafana.spec" -}}
{{- $grafana := .Values.demo.grafana }}
{{- $security := mergeOverwrite (deepCopy (.Values.podSecurityContext | default dict)) ($grafana.podSecurityContext | default dict) }}
# It does not speak to the API server.
automountServiceAccountToken: false
{{ include "continuous-load.podSettings" (dict "root" . "security" $security) }}
containers:
  - name: grafana
    {{- include "continuous-load-monitoring.container" (dict "root" . "values" $grafana) | nindent 4 }}
    # It calls nobody but its Prometheus: no statistics, no looking for updates, no plugins.
    env:
      {{- include "continuous-load-monitoring.grafana.env" . | trim | nindent 6 }}
    ports:
      - name: http
        containerPort: 3000
        protocol: TCP
    {{- include "continuous-load-monitoring.probes" (dict "live" "/api/health" "ready" "/api/health") | nindent 4 }}
    volumeMounts:
      - name: provisioning
        mountPath: /etc/continuous-load/provisioning
        readOnly: true
      - name: dashboards
        mountPath: /etc/continuous-load/dashboards
        readOnly: true
      - name: data
        mountPath: /var/lib/grafana
      - name: tmp
        mountPath: /tmp
volumes:
  - name: provisioning
    configMap:
      name: {{ include "continuous-load-monitoring.demoName" (dict "root" . "component" "grafana") }}
      items:
        - { key: datasources.yaml, path: datasources/datasources.yaml }
        - { key: dashboards.yaml, path: dashboards/dashboards.yaml }
  - name: dashboards
    projected:
      sources:
        {{- range $file, $_ := .Files.Glob "dashboards/*.json" }}
        - configMap:
            name: {{ include "continuous-load.dashboardName" (dict "root" $ "file" $file) }}
        {{- end }}
  - name: data
    emptyDir:
      sizeLimit: 1Gi
  - name: tmp
    emptyDir:
      sizeLimit: 128Mi
{{- end }}
