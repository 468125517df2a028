// The kinds that our manifests use, for schema/renew: one field each, called as the kind is.
import { DaemonSet } from "kubernetes-types/apps/v1";
import { ConfigMap, Namespace, Service, ServiceAccount } from "kubernetes-types/core/v1";
import { ObjectMeta } from "kubernetes-types/meta/v1";
import { NetworkPolicy } from "kubernetes-types/networking/v1";
import { ClusterRole, ClusterRoleBinding } from "kubernetes-types/rbac/v1";
import { IComGithubPrometheusOperatorPrometheusOperatorPkgApisMonitoringV1PodMonitorSpec as PodMonitorSpec } from "@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1/PodMonitorSpec";
import { IComGithubPrometheusOperatorPrometheusOperatorPkgApisMonitoringV1PrometheusRuleSpec as PrometheusRuleSpec } from "@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1/PrometheusRuleSpec";

export interface PodMonitor {
  apiVersion: "monitoring.coreos.com/v1";
  kind: "PodMonitor";
  metadata?: ObjectMeta;
  spec: PodMonitorSpec;
}

export interface PrometheusRule {
  apiVersion: "monitoring.coreos.com/v1";
  kind: "PrometheusRule";
  metadata?: ObjectMeta;
  spec: PrometheusRuleSpec;
}

export interface All {
  ClusterRole: ClusterRole;
  ClusterRoleBinding: ClusterRoleBinding;
  ConfigMap: ConfigMap;
  DaemonSet: DaemonSet;
  Namespace: Namespace;
  NetworkPolicy: NetworkPolicy;
  PodMonitor: PodMonitor;
  PrometheusRule: PrometheusRule;
  Service: Service;
  ServiceAccount: ServiceAccount;
}
