{{/* How far apart the runs of a schedule are. */}}

{{/* (field, max): the numbers from 0 to max that a field of a schedule means, with spaces between; nothing if it is wrong. */}}
{{- define "continuous-load.cronField" -}}
{{- $found := dict }}
{{- $isWrong := false }}
{{- $max := .max }}
{{- range $part := splitList "," .field }}
{{- $step := contains "/" $part | ternary (last (splitList "/" $part)) "1" | atoi }}
{{- $range := first (splitList "/" $part) }}
{{- $from := 0 }}
{{- $to := $max }}
{{- if contains "-" $range }}
{{- $from = first (splitList "-" $range) | atoi }}
{{- $to = last (splitList "-" $range) | atoi }}
{{- else if ne $range "*" }}
{{- $from = atoi $range }}
{{- $to = contains "/" $part | ternary $max $from }}
{{- end }}
{{- if or (lt $step 1) (gt $from $to) (gt $to $max) }}
{{- $isWrong = true }}
{{- else }}
{{- range $number := untilStep $from (add $to 1 | int) $step }}
{{- $_ := set $found (printf "%02d" $number) true }}
{{- end }}
{{- end }}
{{- end }}
{{- if not $isWrong }}{{ keys $found | sortAlpha | join " " }}{{ end }}
{{- end }}

{{/*
The shortest time between two runs of a schedule, in minutes; 0 if its minutes or hours are wrong. Days, months and weekdays are
taken to be all: with fewer of them runs are farther apart, or as far.
*/}}
{{- define "continuous-load.cronGap" -}}
{{- $fields := regexSplit " +" (trim .) -1 }}
{{- $minutes := include "continuous-load.cronField" (dict "field" (index $fields 0) "max" 59) }}
{{- $hours := include "continuous-load.cronField" (dict "field" (index $fields 1) "max" 23) }}
{{- if or (empty $minutes) (empty $hours) }}0
{{- else }}
{{- $gap := 1440 }}
{{- $first := -1 }}
{{- $before := -1 }}
{{- range $hour := splitList " " $hours }}
{{- range $minute := splitList " " $minutes }}
{{- $now := add (mul 60 (trimPrefix "0" $hour | default "0" | atoi)) (trimPrefix "0" $minute | default "0" | atoi) }}
{{- if lt $first 0 }}{{ $first = $now }}{{ else }}{{ $gap = min $gap (sub $now $before) }}{{ end }}
{{- $before = $now }}
{{- end }}
{{- end }}
{{- min $gap (sub (add $first 1440) $before) }}
{{- end }}
{{- end }}
