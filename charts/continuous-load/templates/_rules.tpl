{{/*
The rules of rules/*.yaml, for this release. Those files are whole as they stand, for all releases at once and for promtool; what is replaced here
is told in their heads. Templates in them would clash with those of alerts.
*/}}

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
{{- range $rates }}
{{- $parts := splitList "/" . }}
{{- $unit := get (dict "s" 1 "m" 60 "h" 3600) (regexFind "[smh]$" .) }}
{{- $sum = addf $sum (divf (index $parts 0 | float64) (mulf (regexFind "^[0-9]+" (index $parts 1) | default "1" | float64) $unit)) }}
{{- end }}
{{- $sum }}
{{- end }}

{{/* What is wrong with the values of rules, a line each. */}}
{{- define "continuous-load.rules.validate" -}}
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
{{- $names := dict }}
{{- range $path, $_ := .Files.Glob "rules/*.yaml" }}
{{- range ($root.Files.Get $path | fromYaml).groups }}
{{- range .rules }}{{ with .alert }}{{ $_ := set $names . true }}{{ end }}{{ end }}
{{- end }}
{{- end }}
{{- range .Values.rules.disabled }}
{{- if not (hasKey $names .) }}
rules.disabled names {{ . }}, and no alert is called so; there are {{ keys $names | sortAlpha | join ", " }}
{{- end }}
{{- end }}
{{- end }}

{{/* Alerts that cannot be right here: where a run ends, nobody is there most of the time. */}}
{{- define "continuous-load.rules.absent" -}}
{{- $injector := .Values.injector }}
{{- if not (and $injector.enabled (has $injector.mode (list "deployment" "daemonset"))) }} ContinuousLoadInjectorDown{{ end }}
{{- if not .Values.target.enabled }} ContinuousLoadTargetDown{{ end }}
{{- end }}

{{/* The groups. */}}
{{- define "continuous-load.rules.groups" -}}
{{- $root := . }}
{{- $rules := .Values.rules }}
{{- with include "continuous-load.rules.validate" . | trim }}{{ fail (printf "\n%s" .) }}{{ end }}
{{- $without := concat $rules.disabled (include "continuous-load.rules.absent" . | trim | splitList " ") }}
{{- $groups := list }}
{{- range $path, $_ := .Files.Glob "rules/*.yaml" }}
{{- $text := $root.Files.Get $path
  | replace "source=~\".*\"" (printf "source=%q" (include "continuous-load.source" $root))
  | replace "namespace=~\".*\",release=~\".*\"" (printf "namespace=%q,release=%q" (include "continuous-load.namespace" $root) $root.Release.Name)
  | replace "(1 - 0.999)" (printf "(1 - %v)" $rules.objectives.availability)
  | replace "(1 - 0.99)" (printf "(1 - %v)" $rules.objectives.latency)
  | replace "le=\"0.1\"" (printf "le=\"%v\"" $rules.objectives.latencyBound)
  | replace "> 40000" (printf "> %d" (div (mul (int $root.Values.monitoring.sampleLimit) 4) 5))
  | replace "docs/runbook.md#" $rules.runbookUrl }}
{{- range $group := ($text | fromYaml).groups }}
{{- $kept := list }}
{{- range $group.rules }}
{{- if not (has (.alert | default "") $without) }}{{ $kept = append $kept . }}{{ else if .record }}{{ $kept = append $kept . }}{{ end }}
{{- end }}
{{- with $kept }}{{ $groups = append $groups (set $group "rules" .) }}{{ end }}
{{- end }}
{{- end }}
{{- toYaml $groups }}
{{- end }}
