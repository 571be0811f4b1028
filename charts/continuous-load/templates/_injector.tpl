{{/* The injector's pods. */}}

{{/* Whether it ends by itself. */}}
{{- define "continuous-load.injector.duration" -}}
{{- if has .Values.injector.mode (list "job" "cronjob") }}{{ (get .Values.injector .Values.injector.mode).duration }}{{ end }}
{{- end }}

{{- define "continuous-load.injector.flags" -}}
{{- $injector := .Values.injector }}
- run
- /etc/continuous-load/scenario/scenario.yaml
- --admin-address=[::]:{{ int $injector.metricsPort }}
- --log-level={{ $injector.logLevel }}
{{- if $injector.apiToken.existingSecret }}
- --api-token-file=/etc/continuous-load/api/token
{{- end }}
{{- with include "continuous-load.injector.duration" . }}
- --for={{ . }}
{{- if $injector.json }}
- --json=-
{{- end }}
{{- end }}
{{- if eq $injector.compat "k6" }}
- --compat=k6
{{- with $injector.compatTags }}
{{- $tags := list }}
{{- range $name, $value := . }}{{ $tags = append $tags (printf "%s=%s" $name $value) }}{{ end }}
- --compat-tags={{ join "," $tags }}
{{- end }}
{{- end }}
{{- with $injector.extraArgs }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* For `injector fault` by way of `kubectl exec`. */}}
{{- define "continuous-load.injector.env" -}}
{{- with include "continuous-load.injector.admin" . }}
- name: CLOAD_ADMIN
  value: {{ . | quote }}
{{- end }}
{{- if .Values.target.adminToken.existingSecret }}
- name: CLOAD_ADMIN_TOKEN_FILE
  value: /etc/continuous-load/admin/token
{{- end }}
{{- with .Values.injector.extraEnv }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* The pod, as in a template. */}}
{{- define "continuous-load.injector.pod" -}}
{{- $injector := .Values.injector }}
{{- $scope := dict "root" . "component" "injector" "values" $injector "labels" $injector.podLabels "port" $injector.metricsPort }}
metadata:
  labels:
    {{- include "continuous-load.podLabels" $scope | nindent 4 }}
  annotations:
    # The program follows its scenario; with another one an upgrade begins a session of its own, which can become anything.
    continuous-load/scenario-sha256: {{ include "continuous-load.scenario" . | sha256sum }}
    {{- with merge (dict) $injector.podAnnotations (include "continuous-load.scrapeAnnotations" $scope | fromYaml) }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
spec:
  {{- include "continuous-load.podHead" . | nindent 2 }}
  {{- if include "continuous-load.injector.duration" . }}
  restartPolicy: Never
  {{- end }}
  # After a signal: at most 5 s for what is in flight, 5 s to learn what became of what was lost, the last account.
  terminationGracePeriodSeconds: 20
  {{- with $injector.dnsConfig }}
  dnsConfig:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- if and .Values.target.enabled (empty $injector.target.host) }}
  initContainers:
    # A run whose target is not there ends at once; on the day of the installation that is nobody's fault.
    - name: wait-for-target
      {{- include "continuous-load.containerHead" (dict "root" . "program" "injector") | nindent 6 }}
      args:
        - probe
        - http://{{ include "continuous-load.target.serviceHost" . }}:{{ int .Values.target.service.ports.http }}/
        - --timeout=2s
        - --retry=120
        - --retry-delay=1s
      {{- with $injector.resources }}
      resources:
        {{- toYaml . | nindent 8 }}
      {{- end }}
  {{- end }}
  containers:
    - name: injector
      {{- include "continuous-load.containerHead" (dict "root" . "program" "injector") | nindent 6 }}
      args:
        {{- include "continuous-load.injector.flags" . | trim | nindent 8 }}
      {{- with include "continuous-load.injector.env" . | trim }}
      env:
        {{- . | nindent 8 }}
      {{- end }}
      ports:
        - name: metrics
          containerPort: {{ int $injector.metricsPort }}
          protocol: TCP
      # They ask whether the program runs, never whether the path works: a restart would lose what is measured.
      startupProbe:
        httpGet:
          path: /livez
          port: metrics
        periodSeconds: 1
        failureThreshold: 30
      livenessProbe:
        httpGet:
          path: /livez
          port: metrics
        periodSeconds: 10
        timeoutSeconds: 5
      readinessProbe:
        httpGet:
          path: /readyz
          port: metrics
        periodSeconds: 5
        timeoutSeconds: 2
      {{- with $injector.resources }}
      resources:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      volumeMounts:
        - name: scenario
          mountPath: /etc/continuous-load/scenario
          readOnly: true
        {{- if .Values.target.adminToken.existingSecret }}
        - name: admin-token
          mountPath: /etc/continuous-load/admin
          readOnly: true
        {{- end }}
        {{- if $injector.apiToken.existingSecret }}
        - name: api-token
          mountPath: /etc/continuous-load/api
          readOnly: true
        {{- end }}
        {{- with $injector.extraVolumeMounts }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
  volumes:
    - name: scenario
      configMap:
        name: {{ include "continuous-load.fullname" . }}-scenario
    {{- with include "continuous-load.adminTokenVolume" . | trim }}
    {{- . | nindent 4 }}
    {{- end }}
    {{- with $injector.apiToken }}
    {{- if .existingSecret }}
    - name: api-token
      secret:
        secretName: {{ .existingSecret }}
        items:
          - key: {{ .key }}
            path: token
    {{- end }}
    {{- end }}
    {{- with $injector.extraVolumes }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  {{- with include "continuous-load.scheduling" $scope | trim }}
  {{- . | nindent 2 }}
  {{- end }}
  {{- if ne $injector.mode "daemonset" }}
  {{- include "continuous-load.spread" $scope | trim | nindent 2 }}
  {{- end }}
{{- end }}

{{/* What a job does, also that of a cronjob: `(root, values)`. */}}
{{- define "continuous-load.injector.jobSpec" -}}
completions: {{ int .values.replicas }}
parallelism: {{ int .values.replicas }}
completionMode: Indexed
# A run that failed is a result. Run again, it would hide.
backoffLimit: 0
# The run, and what comes before: pulling the image, waiting for the target.
activeDeadlineSeconds: {{ add (include "continuous-load.seconds" .values.duration) 300 }}
template:
  {{- include "continuous-load.injector.pod" .root | trim | nindent 2 }}
{{- end }}

{{/* A job cannot be changed: with other values it is another one, and the upgrade runs it. */}}
{{- define "continuous-load.injector.jobName" -}}
{{- $job := .Values.injector.job }}
{{- $spec := include "continuous-load.injector.jobSpec" (dict "root" . "values" $job) }}
{{- include "continuous-load.fullname" . }}-injector-{{ $job.runId | default (sha256sum $spec | trunc 8) }}
{{- end }}
