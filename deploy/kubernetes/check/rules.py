"""What no schema says: how the objects of one installation fit together, and what lb asks of them.

Each rule takes an Objects and yields findings as texts.
"""

import re

_SECRET_MODE = 0o400
_GRACE_S = 30  # Of Kubernetes, where nothing is said.
_TO_END_S = 5
_SLICE_RULE = {
    "apiGroups": ["discovery.k8s.io"],
    "resources": ["endpointslices"],
    "verbs": ["get", "list", "watch"],
}


class Objects:
    """The objects of one installation."""

    def __init__(self, things):
        self.things = things

    def of(self, kind):
        return [thing for thing in self.things if thing.get("kind") == kind]

    def names(self, kind):
        return {thing["metadata"]["name"] for thing in self.of(kind)}

    def pods(self):
        """(title, spec of the pods, their labels, namespace) of each DaemonSet."""
        for thing in self.of("DaemonSet"):
            template = thing["spec"]["template"]
            labels = template.get("metadata", {}).get("labels", {})
            namespace = thing["metadata"].get("namespace")
            yield title(thing), template["spec"], labels, namespace


def title(thing):
    return "%s %s" % (thing.get("kind"), thing.get("metadata", {}).get("name"))


def _containers(spec):
    return spec.get("initContainers", []) + spec["containers"]


def _covers(selector, labels):
    return bool(selector) and all(labels.get(key) == value for key, value in selector.items())


def unique_names(objects):
    seen = set()
    for thing in objects.things:
        key = (thing["kind"], thing["metadata"].get("namespace"), thing["metadata"].get("name"))
        if not key[2]:
            yield "%s: no name" % thing["kind"]
        if key in seen:
            yield "%s: there twice" % title(thing)
        seen.add(key)


def selectors_match(objects):
    pods = list(objects.pods())
    for thing in objects.of("DaemonSet"):
        selector = thing["spec"]["selector"].get("matchLabels", {})
        labels = thing["spec"]["template"].get("metadata", {}).get("labels", {})
        if not _covers(selector, labels):
            yield "%s: the selector does not match the labels of its own pods" % title(thing)
        others = [name for name, _, labels, _ in pods if name != title(thing) and _covers(selector, labels)]
        if others:
            yield "%s: the selector matches the pods of %s, too" % (title(thing), ", ".join(others))
    for thing, selector in _other_selectors(objects):
        namespace = thing["metadata"].get("namespace")
        if not any(_covers(selector, labels) and where == namespace for _, _, labels, where in pods):
            yield "%s: the selector matches no pod of its namespace" % title(thing)


def _other_selectors(objects):
    for thing in objects.of("Service"):
        yield thing, thing["spec"].get("selector")
    for kind, field in (("PodMonitor", "selector"), ("NetworkPolicy", "podSelector")):
        for thing in objects.of(kind):
            yield thing, thing["spec"][field].get("matchLabels")


def no_ports_on_the_host_network(objects):
    for name, spec, _, _ in objects.pods():
        if not spec.get("hostNetwork"):
            yield "%s: not on hostNetwork" % name
        for container in _containers(spec):
            if container.get("ports"):
                yield "%s: %s declares ports, each a hostPort: no second pod finds room" % (
                    name, container["name"])


def one_view_of_pids(objects):
    for name, spec, _, _ in objects.pods():
        if not spec.get("hostPID"):
            yield "%s: not on hostPID: a control plane refuses a worker whose pid it cannot see" % name


def folders_not_files(objects):
    for name, spec, _, _ in objects.pods():
        for container in _containers(spec):
            for mount in container.get("volumeMounts", []):
                if "subPath" in mount or "subPathExpr" in mount:
                    yield "%s: %s is mounted by subPath, and would never be updated" % (
                        name, mount["mountPath"])


def mounts_have_volumes(objects):
    for name, spec, _, _ in objects.pods():
        volumes = {volume["name"] for volume in spec.get("volumes", [])}
        mounted = {mount["name"] for container in _containers(spec) for mount in container.get("volumeMounts", [])}
        for missing in sorted(mounted - volumes):
            yield "%s: no volume %s" % (name, missing)
        for unused in sorted(volumes - mounted):
            yield "%s: nobody mounts the volume %s" % (name, unused)
        for volume in spec.get("volumes", []):
            if "secret" in volume and volume["secret"].get("defaultMode") != _SECRET_MODE:
                yield "%s: the Secret of volume %s is not 0400" % (name, volume["name"])


def names_exist(objects, outside=()):
    """`outside`: names of ConfigMaps and ServiceAccounts that somebody else makes."""
    known = objects.names("ConfigMap") | set(outside)
    accounts = objects.names("ServiceAccount") | set(outside)
    for name, spec, _, _ in objects.pods():
        for volume in spec.get("volumes", []):
            config = volume.get("configMap", {}).get("name")
            if config and config not in known:
                yield "%s: no ConfigMap %s" % (name, config)
        if spec.get("serviceAccountName") not in accounts:
            yield "%s: no ServiceAccount %s" % (name, spec.get("serviceAccountName"))
    for binding in objects.of("ClusterRoleBinding"):
        if binding["roleRef"]["name"] not in objects.names("ClusterRole"):
            yield "%s: no ClusterRole %s" % (title(binding), binding["roleRef"]["name"])
        for subject in binding.get("subjects", []):
            if subject["name"] not in accounts:
                yield "%s: no ServiceAccount %s" % (title(binding), subject["name"])


def little_power(objects):
    """Of containers and roles: no more than they need."""
    for name, spec, _, _ in objects.pods():
        for container in _containers(spec):
            context = container.get("securityContext", {})
            where = "%s: container %s" % (name, container["name"])
            if context.get("privileged") or context.get("allowPrivilegeEscalation") is not False:
                yield where + " may gain rights"
            if not context.get("readOnlyRootFilesystem"):
                yield where + " may write its image"
            if context.get("capabilities", {}).get("drop") != ["ALL"]:
                yield where + " keeps capabilities"
            if "cpu" in container.get("resources", {}).get("limits", {}):
                yield where + " has a limit of cpu, which makes connections wait"
    for role in objects.of("ClusterRole"):
        if role.get("rules") != [_SLICE_RULE]:
            yield "%s: more than reading EndpointSlices, or less" % title(role)


def tokens_for_who_asks(objects):
    """Automatic mounts reach every container of a pod, those of other images too."""
    for name, spec, _, _ in objects.pods():
        if spec.get("automountServiceAccountToken") is not False:
            yield "%s: each of its containers is given the token of the API server" % name
        tokens = {volume["name"] for volume in spec.get("volumes", [])
                  for source in volume.get("projected", {}).get("sources", []) if "serviceAccountToken" in source}
        for container in _containers(spec):
            mounted = {mount["name"] for mount in container.get("volumeMounts", [])}
            if mounted & tokens and container["name"] != "controlplane":
                yield "%s: %s is given the token of the API server" % (name, container["name"])


def probes_by_exec(objects):
    """HTTP and TCP probes want a port of the node, of which two workers would have one."""
    for name, spec, _, _ in objects.pods():
        for kind in ("startupProbe", "livenessProbe", "readinessProbe"):
            if "exec" not in spec["containers"][0].get(kind, {}) and not any(
                    "exec" in container.get(kind, {}) for container in spec["containers"]):
                yield "%s: no %s by exec" % (name, kind)


_UNITS_S = {"ms": 0.001, "s": 1, "m": 60, "h": 3600}


def _flag_s(arguments, flag):
    """What a flag says of seconds; 0 without it, and where it is no duration, which lb refuses."""
    for argument in arguments:
        found = re.fullmatch(r"--%s=(\d+)(ms|s|m|h)" % flag, argument)
        if found:
            return int(found.group(1)) * _UNITS_S[found.group(2)]
    return 0


def time_to_drain(objects):
    """Kubelet kills what takes longer than its grace period, with all its connections."""
    for name, spec, _, _ in objects.pods():
        for container in spec["containers"]:
            words = container.get("args", [])
            need_s = _flag_s(words, "min-drain") + _flag_s(words, "drain-timeout")
            grace_s = spec.get("terminationGracePeriodSeconds", _GRACE_S)
            if need_s > 0 and grace_s < need_s + _TO_END_S:
                yield ("%s: terminationGracePeriodSeconds is %d; --min-drain and --drain-timeout of %s "
                       "are %d s, and it needs %d s more to end" % (name, grace_s, container["name"],
                                                                   need_s, _TO_END_S))


ALL = (
    unique_names,
    selectors_match,
    no_ports_on_the_host_network,
    one_view_of_pids,
    folders_not_files,
    mounts_have_volumes,
    little_power,
    tokens_for_who_asks,
    probes_by_exec,
    time_to_drain,
)


def findings(things, outside=()):
    objects = Objects(things)
    found = [text for rule in ALL for text in rule(objects)]
    return found + list(names_exist(objects, outside))
