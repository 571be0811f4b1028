{{/* What is this chart's own of the rules: they are about one release. */}}

{{/* Requests per second of all injectors together; 0 where nobody can know, since nodes come and go. */}}
{{- define "continuous-load.rules.perSecond" -}}
{{- $injector := .Values.injector }}
{{- $rates := list }}
{{- if and $injector.enabled (ne $injector.mode "daemonset") }}
{{- $hasWeights := false }}
{{- range $operation := $injector.scenario.mix }}
{{- if hasKey $operation "rate" }}{{ $rates = append $rates $operation.rate }}{{ else }}{{ $hasWeights = true }}{{ end }}
{{- end }}
{{- if $hasWeights }}{{ $rates = append $rates $injector.totalRate }}{{ end }}
{{- end }}
{{- $sum := 0.0 }}
{{- /* What is no rate is told elsewhere. */}}
{{- range $rates }}
{{- if regexMatch "^[0-9.]+/[0-9]*[smh]$" (toString .) }}
{{- $parts := splitList "/" . }}
{{- $unit := get (dict "s" 1 "m" 60 "h" 3600) (regexFind "[smh]$" .) }}
{{- $sum = addf $sum (divf (index $parts 0 | float64) (mulf (regexFind "^[0-9]+" (index $parts 1) | default "1" | float64) $unit)) }}
{{- end }}
{{- end }}
{{- $sum }}
{{- end }}

{{/* What is wrong with the objectives of a release, a line each. */}}
{{- define "continuous-load.rules.rate" -}}
{{- $root := . }}
{{- $perSecond := include "continuous-load.rules.perSecond" . | float64 }}
{{- range $key := list "availability" "latency" }}
{{- $objective := get $root.Values.rules.objectives $key }}
{{- /* Bad requests of five minutes at the share that is paged for. */}}
{{- $bad := mulf $perSecond 300 14.4 (subf 1 $objective) }}
{{- if and (gt $perSecond 0.0) (lt $bad 5.0) }}
rules.objectives.{{ $key }} {{ $objective }} is too high for {{ round $perSecond 4 }} requests per second: a page needs five bad ones in five minutes, and {{ round $bad 2 }} would be too many already; send {{ ceil (divf 5 300 14.4 (subf 1 $objective)) }}/s (injector.totalRate), or lower the objective, or set rules.enabled to false
{{- end }}
{{- end }}
{{- if and (eq .Values.monitoring.provider "prometheusOperator") .Values.monitoring.prometheusOperator.convertHistograms }}
monitoring.prometheusOperator.convertHistograms leaves no buckets for the rules about latency to ask for; set it to false, or rules.enabled to false
{{- end }}
{{- end }}

{{/* Alerts that cannot be right here: where a run ends, nobody is there most of the time. */}}
{{- define "continuous-load.rules.absent" -}}
{{- $injector := .Values.injector }}
{{- if not (and $injector.enabled (has $injector.mode (list "deployment" "daemonset"))) }} ContinuousLoadInjectorDown{{ end }}
{{- if not .Values.target.enabled }} ContinuousLoadTargetDown{{ end }}
{{- end }}

{{/* The groups about this release. */}}
{{- define "continuous-load.rules.release" -}}
{{- $selectors := dict
  "source=~\".*\"" (printf "source=%q" (include "continuous-load.source" .))
  "namespace=~\".*\",release=~\".*\"" (printf "namespace=%q,release=%q" (include "continuous-load.namespace" .) .Release.Name) }}
{{- $without := include "continuous-load.rules.absent" . | trim | splitList " " }}
{{- include "continuous-load.rules.groups" (dict "root" . "selectors" $selectors "without" $without "wrong" (include "continuous-load.rules.rate" .)) }}
{{- end }}
