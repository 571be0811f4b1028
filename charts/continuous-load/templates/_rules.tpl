{{/*
The rules of rules/*.yaml, for one release or for all. Those files are whole as they stand, for all releases at once and for promtool; what is
replaced is told in their heads. Templates in them would clash with those of alerts.

The chart continuous-load-monitoring has this file by a symbolic link, as it has rules/, _names.tpl, _pods.tpl, _refuse.tpl and _dashboards.tpl. A library chart
would have to be packed into each chart before helm could render either.
*/}}

{{/* What is wrong with the values of rules, a line each. */}}
{{- define "continuous-load.rules.validate" -}}
{{- $root := . }}
{{- $names := dict }}
{{- range $path, $_ := .Files.Glob "rules/*.yaml" }}
{{- range ($root.Files.Get $path | fromYaml).groups }}
{{- range .rules }}{{ with .alert }}{{ $_ := set $names . true }}{{ end }}{{ end }}
{{- end }}
{{- end }}
{{- range $key, $given := dict "disabled" .Values.rules.disabled "overrides" (keys .Values.rules.overrides | sortAlpha) }}
{{- range $given }}
{{- if not (hasKey $names .) }}
rules.{{ $key }} names {{ . }}, and no alert is called so; there are {{ keys $names | sortAlpha | join ", " }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}

{{/*
(root, selectors, without, wrong): the groups. `selectors` are put in the place of what matches every release, the alerts of `without` are left
out besides those that the values name, and `wrong` is what the caller has found to be wrong.
*/}}
{{- define "continuous-load.rules.groups" -}}
{{- $root := .root }}
{{- $rules := $root.Values.rules }}
{{- with printf "%s%s" .wrong (include "continuous-load.rules.validate" $root) | trim }}{{ fail (printf "\n%s" .) }}{{ end }}
{{- $without := concat $rules.disabled .without }}
{{- $groups := list }}
{{- /* Prometheus 3 stores a bucket that is exported as 1 as 1.0. */}}
{{- $bound := printf "le=\"%v\"" $rules.objectives.latencyBound }}
{{- if regexMatch "^[0-9]+$" (toString $rules.objectives.latencyBound) }}
{{- $bound = printf "le=~\"%v([.]0)?\"" $rules.objectives.latencyBound }}
{{- end }}
{{- range $path, $_ := $root.Files.Glob "rules/*.yaml" }}
{{- $text := $root.Files.Get $path
  | replace "(1 - 0.999)" (printf "(1 - %v)" $rules.objectives.availability)
  | replace "(1 - 0.99)" (printf "(1 - %v)" $rules.objectives.latency)
  | replace "le=\"0.1\"" $bound
  | replace "> 40000" (printf "> %d" (div (mul (int $root.Values.monitoring.sampleLimit) 4) 5))
  | replace "docs/runbook.md#" $rules.runbookUrl }}
{{- range $all, $own := $.selectors }}{{ $text = replace $all $own $text }}{{ end }}
{{- range $group := ($text | fromYaml).groups }}
{{- $kept := list }}
{{- range $rule := $group.rules }}
{{- $alert := $rule.alert | default "" }}
{{- if or (empty $alert) (not (has $alert $without)) }}
{{- $kept = append $kept (mergeOverwrite $rule (get $rules.overrides $alert | default dict)) }}
{{- end }}
{{- end }}
{{- with $kept }}{{ $groups = append $groups (set $group "rules" .) }}{{ end }}
{{- end }}
{{- end }}
{{- toYaml $groups }}
{{- end }}
