{{- define "servicegraph.labels" -}}
app.kubernetes.io/part-of: servicegraph
{{- end }}

{{- define "servicegraph.podLabels" -}}
app.kubernetes.io/name: servicegraph-operator
{{- end }}

{{- define "servicegraph.account" -}}
- kind: ServiceAccount
  name: servicegraph-operator
  namespace: {{ .Release.Namespace }}
{{- end }}

{{- define "servicegraph.profile" -}}
{{- .Values.profile | default (.Files.Get "files/profile.yaml") }}
{{- end }}

{{- /* Named after its content, so that another profile rolls the Deployment. */ -}}
{{- define "servicegraph.profileName" -}}
servicegraph-profile-{{ include "servicegraph.profile" . | sha256sum | trunc 10 }}
{{- end }}
