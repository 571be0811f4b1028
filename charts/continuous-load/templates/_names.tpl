{{/* Names and labels. Selectors never change between versions: they are name, instance and component. */}}

{{- define "continuous-load.name" -}}
{{- .Values.nameOverride | default .Chart.Name | trunc 40 | trimSuffix "-" }}
{{- end }}

{{/*
Begins the name of every object. At most 40 characters, so that the longest suffix fits a CronJob's 52. A longer one ends in a hash:
cut off alone, two releases in one namespace might become one.
*/}}
{{- define "continuous-load.fullname" -}}
{{- $name := .Values.nameOverride | default .Chart.Name }}
{{- $full := .Values.fullnameOverride | default (ternary .Release.Name (printf "%s-%s" .Release.Name $name) (contains $name .Release.Name)) }}
{{- include "continuous-load.short" (dict "text" $full "max" 40) }}
{{- end }}

{{- define "continuous-load.namespace" -}}{{ .Values.namespaceOverride | default .Release.Namespace }}{{- end }}

{{/*
text, if it has at most max characters and no dot, which names of services have not; else its beginning and six digits of its hash.
*/}}
{{- define "continuous-load.short" -}}
{{- if and (le (len .text) .max) (not (contains "." .text)) }}{{ .text }}{{ else -}}
{{- printf "%s-%s" (.text | replace "." "-" | trunc (sub .max 7 | int) | trimSuffix "-") (.text | sha256sum | trunc 6) }}
{{- end }}
{{- end }}

{{- define "continuous-load.target.service" -}}{{ include "continuous-load.fullname" . }}-target{{- end }}
{{- define "continuous-load.target.headless" -}}{{ include "continuous-load.fullname" . }}-target-headless{{- end }}
{{- define "continuous-load.target.serviceHost" -}}
{{ include "continuous-load.target.service" . }}.{{ include "continuous-load.namespace" . }}.svc.{{ .Values.clusterDomain }}
{{- end }}
{{- define "continuous-load.target.headlessHost" -}}
{{ include "continuous-load.target.headless" . }}.{{ include "continuous-load.namespace" . }}.svc.{{ .Values.clusterDomain }}
{{- end }}

{{- define "continuous-load.serviceAccountName" -}}
{{- if .Values.serviceAccount.create }}{{ .Values.serviceAccount.name | default (include "continuous-load.fullname" .) }}
{{- else }}{{ .Values.serviceAccount.name | default "default" }}
{{- end }}
{{- end }}

{{/* (root, component): what a selector selects by. */}}
{{- define "continuous-load.selector" -}}
app.kubernetes.io/name: {{ include "continuous-load.name" .root }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .component }}
{{- end }}

{{/* (root, component, optionally labels): labels of an object. What selects is nobody's to change. */}}
{{- define "continuous-load.labels" -}}
{{- $root := .root }}
{{- $standard := dict
  "app.kubernetes.io/version" $root.Chart.AppVersion
  "app.kubernetes.io/managed-by" $root.Release.Service
  "helm.sh/chart" (printf "%s-%s" $root.Chart.Name $root.Chart.Version | replace "+" "_") }}
{{- merge (dict) (include "continuous-load.podLabels" . | fromYaml) $standard | toYaml }}
{{- end }}

{{/* (root, component, optionally labels): labels of a pod. No version among them: it would restart pods that stay the same. */}}
{{- define "continuous-load.podLabels" -}}
{{- $partOf := dict "app.kubernetes.io/part-of" .root.Chart.Name }}
{{- $selector := include "continuous-load.selector" . | fromYaml }}
{{- merge (dict) $selector (.labels | default dict) .root.Values.commonLabels $partOf | toYaml }}
{{- end }}

{{/* (root, component, name, optionally annotations and labels): an object's metadata. */}}
{{- define "continuous-load.metadata" -}}
name: {{ .name }}
namespace: {{ include "continuous-load.namespace" .root }}
labels:
  {{- include "continuous-load.labels" . | nindent 2 }}
{{- with merge (dict) (.annotations | default dict) .root.Values.commonAnnotations }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}
