{{/* What the pods of the demo have in common. */}}

{{/* (root, component): the name of its objects. */}}
{{- define "continuous-load-monitoring.demoName" -}}
{{ include "continuous-load.fullname" .root }}-{{ .component }}
{{- end }}

{{/* (root, component, values, spec, checksum): a Deployment of one pod. What is stored goes with it, so that a second would know something else. */}}
{{- define "continuous-load-monitoring.deployment" -}}
apiVersion: apps/v1
kind: Deployment
metadata:
  {{- include "continuous-load.metadata" (dict "root" .root "component" .component "name" (include "continuous-load-monitoring.demoName" .)) | nindent 2 }}
spec:
  replicas: 1
  selector:
    matchLabels:
      {{- include "continuous-load.selector" . | nindent 6 }}
  template:
    metadata:
      labels:
        {{- include "continuous-load.podLabels" (dict "root" .root "component" .component "labels" .values.podLabels) | nindent 8 }}
      annotations:
        # Neither program looks at its files again.
        checksum/config: {{ .checksum }}
        {{- with .values.podAnnotations }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
    spec:
      serviceAccountName: {{ include "continuous-load-monitoring.demoName" . }}
      {{- .spec | trim | nindent 6 }}
      {{- with include "continuous-load.scheduling" . | trim }}
      {{- . | nindent 6 }}
      {{- end }}
{{- end }}

{{/* (root, values): the image and the security of a container. */}}
{{- define "continuous-load-monitoring.container" -}}
image: {{ include "continuous-load.image" (dict "root" .root "image" .values.image) | quote }}
imagePullPolicy: {{ .values.image.pullPolicy }}
{{- with .root.Values.securityContext }}
securityContext:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .values.resources }}
resources:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{/* (root, component, port): its service. */}}
{{- define "continuous-load-monitoring.service" -}}
apiVersion: v1
kind: Service
metadata:
  {{- include "continuous-load.metadata" (dict "root" .root "component" .component "name" (include "continuous-load-monitoring.demoName" .)) | nindent 2 }}
spec:
  selector:
    {{- include "continuous-load.selector" . | nindent 4 }}
  ports:
    - name: http
      port: {{ .port }}
      targetPort: http
      protocol: TCP
      appProtocol: http
{{- end }}

{{/* (root, component): its service account. Its pod says whether there is a token. */}}
{{- define "continuous-load-monitoring.account" -}}
apiVersion: v1
kind: ServiceAccount
metadata:
  {{- include "continuous-load.metadata" (dict "root" .root "component" .component "name" (include "continuous-load-monitoring.demoName" .)) | nindent 2 }}
automountServiceAccountToken: false
{{- end }}

{{/* (live, ready): probes that ask for these paths. */}}
{{- define "continuous-load-monitoring.probes" -}}
startupProbe:
  httpGet: { path: {{ .live }}, port: http }
  periodSeconds: 2
  failureThreshold: 60
readinessProbe:
  httpGet: { path: {{ .ready }}, port: http }
livenessProbe:
  httpGet: { path: {{ .live }}, port: http }
  timeoutSeconds: 5
{{- end }}
