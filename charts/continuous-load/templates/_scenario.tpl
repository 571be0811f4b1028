{{/* The scenario that is made of the values. */}}

{{/* How many injectors share the rates. */}}
{{- define "continuous-load.injector.replicas" -}}
{{- $injector := .Values.injector }}
{{- eq $injector.mode "daemonset" | ternary 1 (dig $injector.mode "replicas" 1 $injector) | int }}
{{- end }}

{{/* The rate of one injector: `(rate, among)`. A rate is a fraction, and stays one: 10/s among 3 is 10/3s, not 3.333/s. */}}
{{- define "continuous-load.share" -}}
{{- $parts := splitList "/" .rate }}
{{- $unit := regexFind "[smh]$" (index $parts 1) }}
{{- $units := mul (regexFind "^[0-9]+" (index $parts 1) | default "1" | atoi) .among }}
{{- index $parts 0 }}/{{ if gt $units 1 }}{{ $units }}{{ end }}{{ $unit }}
{{- end }}

{{- define "continuous-load.injector.rate" -}}
{{- include "continuous-load.validate" . }}
{{- $injector := .Values.injector }}
{{- $rate := eq $injector.mode "daemonset" | ternary $injector.daemonset.ratePerNode $injector.totalRate }}
{{- include "continuous-load.share" (dict "rate" $rate "among" (include "continuous-load.injector.replicas" . | int)) }}
{{- end }}

{{/* Which of its listeners an operation goes to: `(operation, scenario)`. */}}
{{- define "continuous-load.listener" -}}
{{- $tls := hasKey .operation "tls" | ternary .operation.tls .scenario.tls }}
{{- $isSecure := or (kindIs "map" $tls) (eq (toString $tls) "true") }}
{{- $operation := .operation }}
{{- range $protocol := list "http" "grpc" "tcp" "udp" "dns" }}
{{- if hasKey $operation $protocol }}
{{- and $isSecure (has $protocol (list "http" "grpc")) | ternary "https" $protocol }}
{{- end }}
{{- end }}
{{- end }}

{{/* The host that is sent to, and its ports. */}}
{{- define "continuous-load.injector.host" -}}
{{- $target := .Values.injector.target }}
{{- if $target.host }}{{ $target.host }}
{{- else if eq $target.via "headless" }}{{ include "continuous-load.target.headlessHost" . }}
{{- else }}{{ include "continuous-load.target.serviceHost" . }}
{{- end }}
{{- end }}
{{- define "continuous-load.injector.ports" -}}
{{- $target := .Values.injector.target }}
{{- if $target.host }}{{ toYaml $target.ports }}
{{- else if eq $target.via "headless" }}{{ toYaml .Values.target.ports }}
{{- else }}{{ toYaml .Values.target.service.ports }}
{{- end }}
{{- end }}

{{/* The port of a listener there, or nothing where it is the program's own: `(root, listener)`. */}}
{{- define "continuous-load.injector.port" -}}
{{- $own := dict "http" 9898 "https" 9899 "grpc" 9999 "tcp" 9007 "udp" 9007 "dns" 1053 }}
{{- $port := get (include "continuous-load.injector.ports" .root | fromYaml) .listener | int }}
{{- if and $port (ne $port (get $own .listener)) }}{{ $port }}{{ end }}
{{- end }}

{{- define "continuous-load.injector.admin" -}}
{{- if .Values.injector.target.admin }}{{ .Values.injector.target.admin }}
{{- else if .Values.target.enabled }}{{ include "continuous-load.target.headlessHost" . }}:{{ int .Values.target.ports.admin }}
{{- end }}
{{- end }}

{{/* Who injects. The programs take 32 characters on each side of the slash, none of them a dot. */}}
{{- define "continuous-load.source" -}}
{{- $namespace := include "continuous-load.short" (dict "text" (include "continuous-load.namespace" .) "max" 32) }}
{{- $release := include "continuous-load.short" (dict "text" .Release.Name "max" 32) }}
{{- $namespace }}/{{ $release }}
{{- end }}

{{- define "continuous-load.scenario" -}}
{{- /* Some of what is refused cannot even be filled in. */}}
{{- include "continuous-load.validate" . }}
{{- $root := . }}
{{- $scenario := deepCopy .Values.injector.scenario }}
{{- $replicas := include "continuous-load.injector.replicas" . | int }}
{{- $mix := list }}
{{- $hasWeights := false }}
{{- range $operation := $scenario.mix }}
{{- if hasKey $operation "weight" }}{{ $hasWeights = true }}{{ end }}
{{- if hasKey $operation "rate" }}
{{- $_ := set $operation "rate" (include "continuous-load.share" (dict "rate" $operation.rate "among" $replicas)) }}
{{- end }}
{{- $listener := include "continuous-load.listener" (dict "operation" $operation "scenario" $scenario) }}
{{- $port := include "continuous-load.injector.port" (dict "root" $root "listener" $listener) }}
{{- if and $port (not (hasKey $operation "target")) }}
{{- $_ := set $operation "target" (printf "%s:%s" (include "continuous-load.injector.host" $root) $port) }}
{{- end }}
{{- $mix = append $mix $operation }}
{{- end }}
{{- range $phase := $scenario.phases }}
{{- if hasKey $phase "rate" }}
{{- $_ := set $phase "rate" (include "continuous-load.share" (dict "rate" $phase.rate "among" $replicas)) }}
{{- end }}
{{- end }}
# Of one injector of {{ $replicas }}.
target: {{ include "continuous-load.injector.host" . | quote }}
{{- with include "continuous-load.injector.admin" . }}
admin: {{ . | quote }}
{{- end }}
source: {{ include "continuous-load.source" . }}
{{- if $hasWeights }}
rate: {{ include "continuous-load.injector.rate" . }}
{{- end }}
{{- with omit $scenario "mix" }}
{{ toYaml . }}
{{- end }}
mix:
  {{- range $mix }}
  - name: {{ .name | quote }}
    {{- omit . "name" | toYaml | nindent 4 }}
  {{- end }}
{{- end }}
