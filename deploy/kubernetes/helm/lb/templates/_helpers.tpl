{{/* Names, at most 63 bytes with what is put behind them. */}}
{{- define "lb.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 40 | trimSuffix "-" -}}
{{- end -}}

{{- define "lb.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 40 | trimSuffix "-" -}}
{{- else if contains (include "lb.name" .) .Release.Name -}}
{{- .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name (include "lb.name" .) | trunc 40 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{/* Takes (dict "root" $ "component" NAME), as those below do. */}}
{{- define "lb.selectorLabels" -}}
app.kubernetes.io/name: {{ include "lb.name" .root | quote }}
app.kubernetes.io/instance: {{ .root.Release.Name | quote }}
app.kubernetes.io/component: {{ .component }}
{{- end -}}

{{- define "lb.commonLabels" -}}
app.kubernetes.io/part-of: lb
app.kubernetes.io/managed-by: {{ .root.Release.Service | quote }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version | replace "+" "_" }}
{{- with .root.Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "lb.labels" -}}
{{ include "lb.selectorLabels" . }}
{{ include "lb.commonLabels" . }}
{{- end -}}

{{- define "lb.image" -}}
{{- with .Values.image -}}
{{- if .digest -}}
{{ .repository }}@{{ .digest }}
{{- else -}}
{{ .repository }}:{{ .tag | default $.Chart.AppVersion }}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* The user of both programs: a worker talks to a control plane of its own user only. */}}
{{- define "lb.uid" -}}
{{- if eq .Values.securityProfile "lowports" -}}0{{- else -}}65532{{- end -}}
{{- end -}}

{{- define "lb.podSecurityContext" -}}
runAsNonRoot: {{ ne .Values.securityProfile "lowports" }}
runAsUser: {{ include "lb.uid" . }}
runAsGroup: {{ include "lb.uid" . }}
# Kubelet gives Secrets and emptyDirs to this group. hostPaths it leaves alone.
fsGroup: {{ include "lb.uid" . }}
seccompProfile:
  type: RuntimeDefault
{{- with .Values.seLinuxOptions }}
seLinuxOptions:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{- define "lb.ownFolders" -}}
# Kubelet makes the folders of a hostPath for root. chown(1) of this image gives them to the user of
# both programs, with what is in them from another profile, and needs no more than these two
# capabilities of root.
- name: own-folders
  image: {{ include "lb.image" . | quote }}
  imagePullPolicy: {{ .Values.image.pullPolicy }}
  command: ["chown", "-R", {{ printf "%s:%s" (include "lb.uid" .) (include "lb.uid" .) | quote }}, "/run/lb", "/var/lib/lb"]
  terminationMessagePolicy: FallbackToLogsOnError
  securityContext:
    runAsNonRoot: false
    runAsUser: 0
    runAsGroup: 0
    readOnlyRootFilesystem: true
    allowPrivilegeEscalation: false
    capabilities:
      drop: ["ALL"]
      add: ["CHOWN", "DAC_READ_SEARCH"]
  resources:
    requests: {cpu: 10m, memory: 16Mi}
    limits: {memory: 32Mi}
  volumeMounts:
    - {name: run, mountPath: /run/lb}
    - {name: state, mountPath: /var/lib/lb}
{{- end -}}

{{- define "lb.env" -}}
- name: NODE_NAME
  valueFrom: {fieldRef: {fieldPath: spec.nodeName}}
- name: POD_NAME
  valueFrom: {fieldRef: {fieldPath: metadata.name}}
- name: POD_NAMESPACE
  valueFrom: {fieldRef: {fieldPath: metadata.namespace}}
- name: POD_IP
  valueFrom: {fieldRef: {fieldPath: status.podIP}}
- name: HOST_IP
  valueFrom: {fieldRef: {fieldPath: status.hostIP}}
{{- end -}}

{{/* Takes a component, and the page of the startup probe. */}}
{{- define "lb.probes" -}}
startupProbe:
  exec:
    command: ["lb-{{ .component }}", "--probe", "{{ .startup }}", "--http", "unix:/run/lb-pod/{{ .component }}.http"]
  periodSeconds: 2
  timeoutSeconds: 3
  failureThreshold: 30
livenessProbe:
  exec:
    command: ["lb-{{ .component }}", "--probe", "/livez", "--http", "unix:/run/lb-pod/{{ .component }}.http"]
  periodSeconds: 10
  timeoutSeconds: 3
  failureThreshold: 3
readinessProbe:
  exec:
    command: ["lb-{{ .component }}", "--probe", "/readyz", "--http", "unix:/run/lb-pod/{{ .component }}.http"]
  periodSeconds: 5
  timeoutSeconds: 3
  failureThreshold: 2
{{- end -}}

{{- define "lb.metricsProxy" -}}
- name: metrics
  image: {{ .root.Values.metrics.proxy.image | quote }}
  imagePullPolicy: {{ .root.Values.image.pullPolicy }}
  # reuseport: two workers on a node share the port while one replaces the other.
  args:
    - "TCP-LISTEN:{{ .port | int }},bind=$(HOST_IP),reuseaddr,reuseport,fork,max-children=8"
    - "UNIX-CONNECT:/run/lb-pod/{{ .component }}.http"
  env:
    - name: HOST_IP
      valueFrom: {fieldRef: {fieldPath: status.hostIP}}
  terminationMessagePolicy: FallbackToLogsOnError
  securityContext:
    readOnlyRootFilesystem: true
    allowPrivilegeEscalation: false
    capabilities:
      drop: ["ALL"]
  resources:
    {{- toYaml .root.Values.metrics.proxy.resources | nindent 4 }}
  volumeMounts:
    - {name: pod, mountPath: /run/lb-pod}
{{- end -}}

{{- define "lb.commonVolumes" -}}
- name: run
  hostPath: {path: {{ .Values.hostPaths.run | quote }}, type: DirectoryOrCreate}
- name: state
  hostPath: {path: {{ .Values.hostPaths.state | quote }}, type: DirectoryOrCreate}
# Of this pod alone: where it answers probes, whatever runs beside it on the node.
- name: pod
  emptyDir: {medium: Memory, sizeLimit: 1Mi}
{{- end -}}

{{- define "lb.configMapName" -}}
{{- .Values.existingConfigMap | default (printf "%s-config" (include "lb.fullname" .)) -}}
{{- end -}}

{{/* lb.yaml, with the section "cluster" that the chart knows of. */}}
{{- define "lb.config" -}}
{{- $config := deepCopy .Values.config -}}
{{- with .Values.cluster -}}
{{- if .enabled -}}
{{- $peer := printf "%s-gossip.%s.svc.%s:%d" (include "lb.fullname" $) $.Release.Namespace .clusterDomain (int .port) -}}
{{- $section := dict
      "bind_addr" (printf "%s:%d" .bindAddress (int .port))
      "advertise_addr" (printf "%s:%d" .advertiseAddress (int .port))
      "usage_bind_addr" (printf "%s:%d" .bindAddress (int .usagePort))
      "peers" (list $peer)
      "key_file" (printf "/etc/lb/gossip/%s" .secretKey) -}}
{{- $_ := set $config "cluster" (merge $section (default dict $config.cluster)) -}}
{{- end -}}
{{- end -}}
{{- toYaml $config -}}
{{- end -}}
