{{/* How what cannot work is refused, in both charts. */}}

{{/* Lines of what is wrong, each with its remedy; all of them are said at once. */}}
{{- define "continuous-load.refuse" -}}
{{- $found := list }}
{{- range . | splitList "\n" }}
{{- with trim . }}{{ $found = append $found (printf "  %s" .) }}{{ end }}
{{- end }}
{{- if $found }}
{{- printf "\n\nthese values cannot work:\n%s\n" (join "\n" $found) | fail }}
{{- end }}
{{- end }}

{{- define "continuous-load.validate.name" -}}
{{- if not (regexMatch "^[a-z]" (include "continuous-load.fullname" .)) }}
the objects' names would begin with a digit ({{ include "continuous-load.fullname" . }}), which services' must not; set fullnameOverride, or name the release otherwise
{{- end }}
{{- end }}

{{/* (key, labels) */}}
{{- define "continuous-load.validate.labels" -}}
{{- range $label := list "name" "instance" "component" }}
{{- if hasKey $.labels (printf "app.kubernetes.io/%s" $label) }}
{{ $.key }} must not have app.kubernetes.io/{{ $label }}: services and deployments select by it; use another label
{{- end }}
{{- end }}
{{- end }}
