{{/*
What the schema cannot see: values that contradict each other. Everything that is wrong is said at once, each with its remedy.
*/}}

{{- define "continuous-load.validate" -}}
{{- $wrong := list }}
{{- range $part := list "target" "injector" "monitoring" }}
{{- $wrong = append $wrong (include (printf "continuous-load.validate.%s" $part) $) }}
{{- end }}
{{- include "continuous-load.refuse" (join "\n" $wrong) }}
{{- end }}

{{/* Each of these writes one line for each thing that is wrong. */}}

{{- define "continuous-load.validate.target" -}}
{{- $target := .Values.target }}
{{- if not (or $target.enabled .Values.injector.enabled) }}
target.enabled and injector.enabled are both false, which installs nothing; set one of them to true
{{- end }}
{{- include "continuous-load.validate.name" . }}
{{- include "continuous-load.validate.labels" (dict "key" "commonLabels" "labels" .Values.commonLabels) }}
{{- range $key := list "target" "injector" }}
{{- include "continuous-load.validate.labels" (dict "key" (printf "%s.podLabels" $key) "labels" (get $.Values $key).podLabels) }}
{{- end }}
{{- range $key := list "drainDelay" "shutdownTimeout" }}
{{- include "continuous-load.validate.seconds" (dict "key" (printf "target.%s" $key) "value" (get $target $key)) }}
{{- end }}
{{- include "continuous-load.validate.ports" (dict "key" "target.ports" "ports" $target.ports) }}
{{- include "continuous-load.validate.ports" (dict "key" "target.service.ports" "ports" $target.service.ports) }}
{{- include "continuous-load.validate.ports" (dict "key" "target.service.nodePorts" "ports" $target.service.nodePorts) }}
{{- include "continuous-load.validate.notZero" (dict "key" "tests.timeout" "value" .Values.tests.timeout) }}
{{- if and $target.tls.existingSecret (eq (int $target.ports.https) 0) }}
target.tls.existingSecret is set, but target.ports.https is 0, which switches HTTPS off; give it a port, or leave out the secret
{{- end }}
{{- if and $target.tls.clientAuth (not $target.tls.existingSecret) }}
target.tls.clientAuth needs target.tls.existingSecret, with tls.crt, tls.key and ca.crt in it
{{- end }}
{{- with $target.service.trafficDistribution }}
{{- $since := eq . "PreferClose" | ternary "1.31" "1.34" }}
{{- if semverCompare (printf "<%s.0-0" $since) $.Capabilities.KubeVersion.Version }}
target.service.trafficDistribution {{ . }} is known to Kubernetes {{ $since }} and later, and this is {{ $.Capabilities.KubeVersion.Version }}; leave it out
{{- end }}
{{- end }}
{{- if $target.service.externalTrafficPolicy }}
{{- if eq $target.service.type "ClusterIP" }}
target.service.externalTrafficPolicy means nothing for a service of type ClusterIP; leave it out, or set target.service.type to LoadBalancer or NodePort
{{- end }}
{{- end }}
{{- if and $target.service.nodePorts (eq $target.service.type "ClusterIP") }}
target.service.nodePorts means nothing for a service of type ClusterIP; leave it out, or set target.service.type to NodePort or LoadBalancer
{{- end }}
{{- include "continuous-load.validate.seconds" (dict "key" "target.faults.maxRuleTtl" "value" $target.faults.maxRuleTtl) }}
{{- $ttl := include "continuous-load.seconds" $target.faults.maxRuleTtl | int }}
{{- if or (lt $ttl 1) (gt $ttl 3600) }}
target.faults.maxRuleTtl {{ $target.faults.maxRuleTtl }} is out of range; the target takes 1s to 1h
{{- end }}
{{- $limit := dig "limits" "memory" "" ($target.resources | default dict) | toString }}
{{- if $limit }}
{{- if ge (include "continuous-load.bytes" (toString $target.faults.memTotalMax) | int64) (include "continuous-load.bytes" $limit | int64) }}
target.faults.memTotalMax {{ $target.faults.memTotalMax }} is not less than target.resources.limits.memory {{ $limit }}: who asks for it would end the pod; raise the limit, or lower the former
{{- end }}
{{- end }}
{{- $scaling := $target.autoscaling }}
{{- if $scaling.enabled }}
{{- if ne $target.kind "deployment" }}
target.autoscaling.enabled is true, but a daemonset has one pod on each node; set target.kind to deployment
{{- end }}
{{- if gt (int $scaling.minReplicas) (int $scaling.maxReplicas) }}
target.autoscaling.minReplicas {{ int $scaling.minReplicas }} is more than target.autoscaling.maxReplicas {{ int $scaling.maxReplicas }}; raise the latter
{{- end }}
{{- if not (or $scaling.cpuUtilization $scaling.memoryUtilization $scaling.metrics) }}
target.autoscaling.enabled is true, but there is nothing to scale by; set target.autoscaling.cpuUtilization, memoryUtilization or metrics
{{- end }}
{{- end }}
{{- include "continuous-load.validate.pdb" . }}
{{- if and $target.ingress.enabled (empty $target.ingress.hosts) }}
target.ingress.enabled is true, but target.ingress.hosts is empty; name a host: [{host: target.example.org}]
{{- end }}
{{- range $key := list "httpRoute" "grpcRoute" }}
{{- if and (get $target $key).enabled (empty (get $target $key).parentRefs) }}
target.{{ $key }}.enabled is true, but target.{{ $key }}.parentRefs is empty; name a gateway: [{name: gateway}]
{{- end }}
{{- end }}
{{- if and $target.grpcRoute.enabled (eq (int $target.ports.grpc) 0) }}
target.grpcRoute.enabled is true, but target.ports.grpc is 0, which switches gRPC's own port off; give it a port
{{- end }}
{{- end }}

{{/* Forms of values, each as (key, value). */}}

{{- define "continuous-load.validate.rate" -}}
{{- if not (regexMatch "^([1-9][0-9]*([.][0-9]{1,3})?|0[.][0-9]{0,2}[1-9][0-9]{0,2})/([1-9][0-9]{0,8})?[smh]$" (toString .value)) }}
{{ .key }} {{ toString .value | quote }} is not a rate; write so many per time, with three decimals at most: 10/s, 2.5/s, 600/m, 1/h, 1/5s
{{- else }}
{{- $parts := splitList "/" .value }}
{{- $unit := get (dict "s" 1 "m" 60 "h" 3600) (regexFind "[smh]$" .value) }}
{{- $seconds := mulf (regexFind "^[0-9]+" (index $parts 1) | default "1" | float64) $unit }}
{{- if gt (divf (float64 (index $parts 0)) $seconds) 1e7 }}
{{ .key }} {{ .value }} is more than an injector takes, 10000000/s
{{- end }}
{{- end }}
{{- end }}

{{- define "continuous-load.validate.seconds" -}}
{{- if not (regexMatch "^([0-9]{1,6}[hms])+$" (toString .value)) }}
{{ .key }} {{ toString .value | quote }} is not a time in whole hours, minutes and seconds; write it like 15s, 10m or 1h30m
{{- end }}
{{- end }}

{{- define "continuous-load.validate.pdb" -}}
{{- $pdb := .Values.target.pdb }}
{{- if and $pdb.enabled (eq (include "continuous-load.target.isSeveral" .) "true") }}
{{- $hasMax := not (kindIs "invalid" $pdb.maxUnavailable) }}
{{- $hasMin := not (kindIs "invalid" $pdb.minAvailable) }}
{{- if eq $hasMax $hasMin }}
target.pdb needs one of maxUnavailable and minAvailable; set the other to null
{{- else if and $hasMax (has (toString $pdb.maxUnavailable) (list "0" "0%")) }}
target.pdb.maxUnavailable {{ $pdb.maxUnavailable }} lets no node ever be drained; 1 is the least that works
{{- else if and $hasMin (eq (toString $pdb.minAvailable) "100%") }}
target.pdb.minAvailable 100% lets no node ever be drained; use less
{{- else if and $hasMin (not (kindIs "string" $pdb.minAvailable)) (ge (int $pdb.minAvailable) (include "continuous-load.target.fewest" . | int)) }}
target.pdb.minAvailable {{ int $pdb.minAvailable }} of {{ include "continuous-load.target.fewest" . }} pods lets no node ever be drained; use less, or more pods
{{- end }}
{{- end }}
{{- end }}

{{/* (key, ports): no port twice. UDP and TCP have ports of their own, and DNS takes one of each. */}}
{{- define "continuous-load.validate.notZero" -}}
{{- if not (regexMatch "[1-9]" (toString .value)) }}
{{ .key }} {{ .value }} is no time in which anything can be answered; write it like 250ms or 5s
{{- end }}
{{- end }}

{{- define "continuous-load.validate.ports" -}}
{{- range $transport, $listeners := dict "TCP" (list "http" "https" "grpc" "tcp" "dns" "admin") "UDP" (list "udp" "dns") }}
{{- $taken := dict }}
{{- range $listener := $listeners }}
{{- $port := get $.ports $listener | int | toString }}
{{- if and (hasKey $taken $port) (ne $port "0") }}
{{ $.key }}.{{ $listener }} {{ $port }} is taken by {{ $.key }}.{{ get $taken $port }} over {{ $transport }}; give it another
{{- end }}
{{- $_ := set $taken $port $listener }}
{{- end }}
{{- end }}
{{- end }}

{{- define "continuous-load.validate.injector" -}}
{{- $root := . }}
{{- $injector := .Values.injector }}
{{- if $injector.enabled }}
{{- $scenario := $injector.scenario }}
{{- if eq $injector.mode "daemonset" }}
{{- include "continuous-load.validate.rate" (dict "key" "injector.daemonset.ratePerNode" "value" $injector.daemonset.ratePerNode) }}
{{- else }}
{{- include "continuous-load.validate.rate" (dict "key" "injector.totalRate" "value" $injector.totalRate) }}
{{- end }}
{{- with $scenario.timeout }}
{{- include "continuous-load.validate.notZero" (dict "key" "injector.scenario.timeout" "value" .) }}
{{- end }}
{{- $names := dict }}
{{- $hasOwn := and .Values.target.enabled (empty $injector.target.host) }}
{{- range $index, $operation := $scenario.mix }}
{{- $key := printf "injector.scenario.mix[%d] (%s)" $index $operation.name }}
{{- if hasKey $names $operation.name }}
{{ $key }}: the name is taken by mix[{{ get $names $operation.name }}]; operations are told apart by it, so give it another
{{- end }}
{{- $_ := set $names $operation.name $index }}
{{- $spoken := list }}
{{- range $protocol := list "http" "grpc" "tcp" "udp" "dns" }}
{{- if hasKey $operation $protocol }}{{ $spoken = append $spoken $protocol }}{{ end }}
{{- end }}
{{- if eq (hasKey $operation "weight") (hasKey $operation "rate") }}
{{ $key }} needs one of weight, its share of injector.totalRate, and rate, its own
{{- end }}
{{- if hasKey $operation "rate" }}
{{- include "continuous-load.validate.rate" (dict "key" (printf "%s.rate" $key) "value" $operation.rate) }}
{{- end }}
{{- $listener := include "continuous-load.listener" (dict "operation" $operation "scenario" $scenario) }}
{{- if ne (len $spoken) 1 }}
{{ $key }} needs one of http, grpc, tcp, udp and dns, and has {{ join " and " $spoken | default "none" }}; http: {} is the simplest
{{- else if hasKey $operation "target" }}
{{- else if and $hasOwn (eq $listener "https") (not (include "continuous-load.target.isTls" $root)) }}
{{ $key }} speaks TLS, which the target does not; set target.tls.existingSecret, or leave out tls
{{- else if and $hasOwn (eq (int (get $root.Values.target.ports $listener)) 0) }}
{{ $key }} speaks {{ $listener }}, but target.ports.{{ $listener }} is 0, which switches it off; give it a port, or leave the operation out
{{- else if not (or $hasOwn $injector.target.host) }}
{{ $key }} has nowhere to go: target.enabled is false; set injector.target.host, or give the operation a target
{{- end }}
{{- end }}
{{- if and $injector.target.host (eq $injector.target.via "headless") }}
injector.target.via headless is about the release's own target, but injector.target.host says to send elsewhere; leave out one of them
{{- end }}
{{- if and $injector.target.ports (empty $injector.target.host) }}
injector.target.ports is about injector.target.host, which is not set; the ports of the release's own target are target.service.ports
{{- end }}
{{- /* The program takes a flag once, and a rate on its command line would be that of each replica. */}}
{{- $keys := dict "--admin-address" "injector.metricsPort" "--log-level" "injector.logLevel" "--for" "the mode's duration" "--json" "injector.json" "--compat" "injector.compat" "--compat-tags" "injector.compatTags" "--rate" "injector.totalRate" "--target" "injector.target.host" "--target-admin" "injector.target.admin" }}
{{- range $index, $argument := $injector.extraArgs }}
{{- with get $keys (first (splitList "=" $argument)) }}
injector.extraArgs[{{ $index }}] ({{ $argument }}) is set by {{ . }}; say it there
{{- end }}
{{- end }}
{{- if and $injector.compatTags (ne $injector.compat "k6") }}
injector.compatTags are labels of k6's metrics, but injector.compat is {{ $injector.compat }}; set it to k6, or leave out the tags
{{- end }}
{{- if and $injector.json (empty (include "continuous-load.injector.duration" .)) }}
injector.json is written at the end of a run, but in mode {{ $injector.mode }} there is none; leave it out
{{- end }}
{{- with include "continuous-load.injector.duration" . }}
{{- include "continuous-load.validate.seconds" (dict "key" (printf "injector.%s.duration" $injector.mode) "value" .) }}
{{- if eq (include "continuous-load.seconds" .) "0" }}
injector.{{ $injector.mode }}.duration is 0, which sends nothing; a minute is short already
{{- end }}
{{- end }}
{{- if eq $injector.mode "cronjob" }}
{{- include "continuous-load.validate.cronjob" $injector.cronjob }}
{{- end }}
{{- end }}
{{- end }}

{{/* Seconds between two runs in which pods start and end. */}}
{{- define "continuous-load.cronMargin" -}}30{{- end }}

{{- define "continuous-load.validate.cronjob" -}}
{{- $number := "([*]|[0-9]{1,2}(-[0-9]{1,2})?)(/[0-9]{1,2})?" }}
{{- $numbers := printf "%s(,%s)*" $number $number }}
{{- $isForm := regexMatch (printf "^ *%s +%s( +[A-Za-z0-9*,/?-]+){3} *$" $numbers $numbers) .schedule }}
{{- $gap := 0 }}
{{- if $isForm }}{{ $gap = include "continuous-load.cronGap" .schedule | int }}{{ end }}
{{- $seconds := include "continuous-load.seconds" .duration | int }}
{{- /* Those of days do not make runs come closer. Names of months and days are left to the API server. */}}
{{- if $isForm }}
{{- $fields := regexSplit " +" (trim .schedule) -1 }}
{{- range $day := list (list 2 1 31 "days") (list 3 1 12 "months") (list 4 0 7 "days of the week") }}
{{- $field := index $fields (index $day 0) }}
{{- $isZero := and (eq (index $day 1) 1) (regexMatch "(^|[,-])0+($|[,/-])" $field) }}
{{- if and (regexMatch (printf "^%s$" $numbers) $field) (or $isZero (empty (include "continuous-load.cronField" (dict "field" $field "max" (index $day 2))))) }}
injector.cronjob.schedule {{ $.schedule | quote }} has {{ $field }} for {{ index $day 3 }}, which are {{ index $day 1 }} to {{ index $day 2 }}
{{- end }}
{{- end }}
{{- end }}
{{- if eq $gap 0 }}
injector.cronjob.schedule {{ .schedule | quote }} is not one: it has five fields, the first of minutes, 0 to 59, the second of hours, 0 to 23, such as */15 * * * *
{{- else if gt (add $seconds (include "continuous-load.cronMargin" . | int)) (mul $gap 60) }}
injector.cronjob.duration {{ .duration }} does not fit between two runs of injector.cronjob.schedule {{ .schedule | quote }}, which are {{ $gap }}m apart, with {{ include "continuous-load.cronMargin" . }}s to start and end in; shorten it, or run less often. To send without a pause, set injector.mode to deployment
{{- end }}
{{- end }}

{{/* Samples that an operation may have on an injector, k6's names and what all operations share included. */}}
{{- define "continuous-load.samplesMax" -}}700{{- end }}

{{- define "continuous-load.validate.monitoring" -}}
{{- $monitoring := .Values.monitoring }}
{{- range $key := list "interval" "scrapeTimeout" }}
{{- with get $monitoring $key }}
{{- include "continuous-load.validate.seconds" (dict "key" (printf "monitoring.%s" $key) "value" .) }}
{{- end }}
{{- end }}
{{- if and $monitoring.scrapeTimeout (gt (include "continuous-load.seconds" (toString $monitoring.scrapeTimeout) | int) (include "continuous-load.seconds" (toString $monitoring.interval) | int)) }}
monitoring.scrapeTimeout {{ $monitoring.scrapeTimeout }} is longer than monitoring.interval {{ $monitoring.interval }}; shorten it
{{- end }}
{{- include "continuous-load.dashboards.validate" . }}
{{- $wanted := mul (len .Values.injector.scenario.mix) (include "continuous-load.samplesMax" . | int) }}
{{- if and .Values.injector.enabled (has $monitoring.provider (list "prometheusOperator" "googleManagedPrometheus")) (lt (int $monitoring.sampleLimit) (int $wanted)) }}
monitoring.sampleLimit {{ int $monitoring.sampleLimit }} is too low for {{ len .Values.injector.scenario.mix }} operations, whose samples would all be dropped; make it {{ $wanted }}
{{- end }}
{{- if and .Values.networkPolicy.enabled .Values.injector.enabled (empty .Values.networkPolicy.injectorEgress) }}
{{- if or (not .Values.target.enabled) .Values.injector.target.host }}
networkPolicy.enabled would keep the injector from its target, which is not the release's own; say where it is in networkPolicy.injectorEgress: [{to: [{ipBlock: {cidr: 192.0.2.0/24}}]}]
{{- end }}
{{- end }}
{{- end }}
