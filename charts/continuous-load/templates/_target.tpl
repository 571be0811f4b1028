{{/* The target's pods. */}}

{{- define "continuous-load.target.isTls" -}}
{{- if and .Values.target.tls.existingSecret (gt (int .Values.target.ports.https) 0) }}true{{ end }}
{{- end }}

{{/* The listeners that are on: one `name protocol transport` a line. */}}
{{- define "continuous-load.target.listeners" -}}
{{- range $row := list "http http TCP" "https https TCP" "grpc grpc TCP" "tcp tcp TCP" "udp udp UDP" "dns-udp dns UDP" "dns-tcp dns TCP" }}
{{- $protocol := index (splitList " " $row) 1 }}
{{- if and (gt (int (get $.Values.target.ports $protocol)) 0) (or (ne $protocol "https") (include "continuous-load.target.isTls" $)) }}
{{ $row }}
{{- end }}
{{- end }}
{{- end }}

{{- define "continuous-load.target.flags" -}}
{{- $target := .Values.target }}
{{- $ports := $target.ports }}
{{- $faults := $target.faults }}
- --http-address=:{{ int $ports.http }}
{{- range $protocol := list "https" "grpc" "tcp" "udp" "dns" }}
- --{{ $protocol }}-address={{ gt (int (get $ports $protocol)) 0 | ternary (printf ":%d" (int (get $ports $protocol))) "off" }}
{{- end }}
- --admin-address=:{{ int $ports.admin }}
- --drain-delay={{ $target.drainDelay }}
- --shutdown-timeout={{ $target.shutdownTimeout }}
- --log-level={{ $target.logLevel }}
- --log-format={{ $target.logFormat }}
- --faults={{ get (dict "all" "on" "none" "off") $faults.allow | default $faults.allow }}
{{- with $faults.cidrs }}
- --fault-cidrs={{ join "," . }}
{{- end }}
- --delay-max={{ $faults.delayMax }}
- --hang-max={{ $faults.hangMax }}
- --size-max={{ $faults.sizeMax }}
- --mem-total-max={{ $faults.memTotalMax }}
- --max-rule-ttl={{ $faults.maxRuleTtl }}
{{- with $target.adminToken.existingSecret }}
- --admin-token-file=/etc/continuous-load/admin/token
{{- end }}
{{- if include "continuous-load.target.isTls" . }}
- --tls-cert=/etc/continuous-load/tls/tls.crt
- --tls-key=/etc/continuous-load/tls/tls.key
{{- if $target.tls.clientAuth }}
- --tls-client-ca=/etc/continuous-load/tls/ca.crt
{{- end }}
{{- end }}
{{- with $target.extraArgs }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* Where it is, for `x-cload-server`. A pod has its node's zone as a label since Kubernetes 1.35. */}}
{{- define "continuous-load.target.env" -}}
- name: CLOAD_POD
  valueFrom:
    fieldRef:
      fieldPath: metadata.name
- name: CLOAD_NODE
  valueFrom:
    fieldRef:
      fieldPath: spec.nodeName
{{- if .Values.target.zone }}
- name: CLOAD_ZONE
  value: {{ .Values.target.zone | quote }}
{{- else if semverCompare ">=1.35.0-0" .Capabilities.KubeVersion.Version }}
- name: CLOAD_ZONE
  valueFrom:
    fieldRef:
      fieldPath: metadata.labels['topology.kubernetes.io/zone']
{{- end }}
{{- with .Values.target.extraEnv }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* The pod, as in a template. */}}
{{- define "continuous-load.target.pod" -}}
{{- $target := .Values.target }}
{{- $scope := dict "root" . "component" "target" "values" $target "labels" $target.podLabels "port" $target.ports.admin }}
metadata:
  labels:
    {{- include "continuous-load.podLabels" $scope | nindent 4 }}
  {{- with merge (dict) $target.podAnnotations (include "continuous-load.scrapeAnnotations" $scope | fromYaml) }}
  annotations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
spec:
  {{- include "continuous-load.podHead" . | nindent 2 }}
  # The delay in which everybody looks away, the time for requests in flight, and some to end in.
  terminationGracePeriodSeconds: {{ add (include "continuous-load.seconds" $target.drainDelay) (include "continuous-load.seconds" $target.shutdownTimeout) 5 }}
  containers:
    - name: target-server
      {{- include "continuous-load.containerHead" (dict "root" . "program" "target-server") | nindent 6 }}
      args:
        {{- include "continuous-load.target.flags" . | trim | nindent 8 }}
      env:
        {{- include "continuous-load.target.env" . | trim | nindent 8 }}
      ports:
        {{- range include "continuous-load.target.listeners" . | trim | splitList "\n" }}
        {{- $row := splitList " " . }}
        - name: {{ index $row 0 }}
          containerPort: {{ get $target.ports (index $row 1) | int }}
          protocol: {{ index $row 2 }}
        {{- end }}
        - name: admin
          containerPort: {{ int $target.ports.admin }}
          protocol: TCP
      # All on the admin port, which no fault strikes. It says not ready from the first signal on, while requests are served.
      {{- range $probe, $path := dict "startup" "/livez" "liveness" "/livez" "readiness" "/readyz" }}
      {{ $probe }}Probe:
        httpGet:
          path: {{ $path }}
          port: admin
        {{- range $key, $value := get $target.probes $probe }}
        {{ $key }}: {{ int $value }}
        {{- end }}
      {{- end }}
      {{- with $target.resources }}
      resources:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      volumeMounts:
        - name: data
          mountPath: /data
        {{- if include "continuous-load.target.isTls" . }}
        - name: tls
          mountPath: /etc/continuous-load/tls
          readOnly: true
        {{- end }}
        {{- if $target.adminToken.existingSecret }}
        - name: admin-token
          mountPath: /etc/continuous-load/admin
          readOnly: true
        {{- end }}
        {{- with $target.extraVolumeMounts }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
  volumes:
    - name: data
      emptyDir:
        sizeLimit: {{ $target.dataSizeLimit }}
    {{- if include "continuous-load.target.isTls" . }}
    - name: tls
      secret:
        secretName: {{ $target.tls.existingSecret }}
    {{- end }}
    {{- with include "continuous-load.adminTokenVolume" . | trim }}
    {{- . | nindent 4 }}
    {{- end }}
    {{- with $target.extraVolumes }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  {{- with include "continuous-load.scheduling" $scope | trim }}
  {{- . | nindent 2 }}
  {{- end }}
  {{- if eq $target.kind "deployment" }}
  {{- include "continuous-load.spread" $scope | trim | nindent 2 }}
  {{- end }}
{{- end }}

{{/* The token, where there is one. A folder, so that a changed one arrives. */}}
{{- define "continuous-load.adminTokenVolume" -}}
{{- with .Values.target.adminToken }}
{{- if .existingSecret }}
- name: admin-token
  secret:
    secretName: {{ .existingSecret }}
    items:
      - key: {{ .key }}
        path: token
{{- end }}
{{- end }}
{{- end }}

{{/* The fewest pods that are meant to be there, as far as it is known here. */}}
{{- define "continuous-load.target.fewest" -}}
{{- $target := .Values.target }}
{{- $target.autoscaling.enabled | ternary $target.autoscaling.minReplicas $target.replicas | int }}
{{- end }}

{{/* Whether a budget makes sense. A drain passes by the pods of a daemonset. */}}
{{- define "continuous-load.target.isSeveral" -}}
{{- and (eq .Values.target.kind "deployment") (gt (include "continuous-load.target.fewest" . | int) 1) }}
{{- end }}
