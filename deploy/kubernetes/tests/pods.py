"""A node and its pods without Kubernetes: what kubelet and the container runtime would do with the
DaemonSets of our manifests, as far as our programs can tell.

A pod has a mount namespace of its own with the volumes of its specification, the user, groups and
capabilities of each container's securityContext, and no new privileges. As hostNetwork and hostPID
say, it shares network and pids with the node. The network is whatever this process is in. Needs root.
"""

import ctypes
import os
import re
import shutil
import signal
import subprocess
import tempfile

_CLONE_NEWNS = 0x20000
_MS_RDONLY, _MS_REMOUNT, _MS_BIND, _MS_REC, _MS_PRIVATE = 1, 32, 4096, 16384, 1 << 18
_PR_SET_PDEATHSIG, _PR_CAPBSET_DROP, _PR_SET_NO_NEW_PRIVS = 1, 24, 38
_CAPABILITIES = {"CHOWN": 0, "DAC_READ_SEARCH": 2, "NET_BIND_SERVICE": 10}  # linux/capability.h
_LAST_CAPABILITY = 63  # Those above the kernel's last one are refused by it.
_LIBC = ctypes.CDLL(None, use_errno=True)
# What hides the node's own folders where the root is the machine's.
_HIDDEN = ("/run", "/var/lib", "/etc")


def _call(name, *arguments):
    if getattr(_LIBC, name)(*arguments) != 0:
        error = ctypes.get_errno()
        raise OSError(error, "%s%r: %s" % (name, arguments, os.strerror(error)))


def _mount(source, target, kind=None, flags=0):
    encoded = [part.encode() if part else None for part in (source, target, kind)]
    _call("mount", *encoded, flags, None)


def _copy(programs, folder):
    """Programs and what they load from beside them, where every user may read it."""
    os.makedirs(folder)
    for path in programs:
        shutil.copy(path, folder)
        libraries = subprocess.run(["ldd", os.path.realpath(path)], capture_output=True, text=True, check=True)
        for library in re.findall(r"=> (\S+)", libraries.stdout):
            if not library.startswith(("/lib", "/usr/lib")):
                shutil.copy(library, folder)
    return folder


def _write_files(folder, files, group, mode):
    for name, text in files.items():
        path = os.path.join(folder, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        os.chown(path, 0, group)
        os.chmod(path, mode)


class Node:
    """`root`: the root of an image; None: the machine's own, with these `programs` beside it."""

    def __init__(self, name, root=None, programs=()):
        self.name = name
        self.root = root
        self._folder = tempfile.TemporaryDirectory(prefix="lb-node-", dir="/tmp")
        self.folder = self._folder.name
        os.chmod(self.folder, 0o755)
        bin_folder = _copy(programs, self.folder + "/bin")
        self.env = {"PATH": "/usr/bin"} if root else {"PATH": bin_folder + ":/usr/bin", "LD_LIBRARY_PATH": bin_folder}
        self._pods = []

    def close(self):
        for pod in self._pods:
            pod.kill()
        self._folder.cleanup()

    def host_path(self, path):
        """Where a hostPath is, made as kubelet makes it: for root, 0755."""
        here = self.folder + "/host" + path
        os.makedirs(here, mode=0o755, exist_ok=True)
        return here

    def pod(self, daemon_set, config=None, secrets=None):
        """A pod of a DaemonSet, with the files of its ConfigMap and Secrets, that runs nothing yet."""
        made = Pod(self, daemon_set, config or {}, secrets or {}, len(self._pods))
        self._pods.append(made)
        return made


class Pod:
    def __init__(self, node, daemon_set, config, secrets, number):
        self._node = node
        self._spec = daemon_set["spec"]["template"]["spec"]
        self.name = "%s-%d" % (daemon_set["metadata"]["name"], number)
        self._folder = os.path.join(node.folder, self.name)
        os.makedirs(self._folder)
        self._volumes = {volume["name"]: self._volume(volume, config, secrets) for volume in self._spec["volumes"]}
        template = daemon_set["spec"]["template"]["metadata"]
        self._main = self._container(template["annotations"]["kubectl.kubernetes.io/default-container"])
        self.process = None
        self._beside = []
        fields = {"spec.nodeName": node.name, "metadata.name": self.name, "metadata.namespace": "lb-system",
                  "status.podIP": "127.0.0.1", "status.hostIP": "127.0.0.1"}
        self._env = {entry["name"]: fields[entry["valueFrom"]["fieldRef"]["fieldPath"]]
                     for entry in self._main["env"]}

    def _container(self, name):
        (found,) = [container for container in self._spec["containers"] if container["name"] == name]
        return found

    def _volume(self, volume, config, secrets):
        if "hostPath" in volume:
            return self._node.host_path(volume["hostPath"]["path"])
        here = os.path.join(self._folder, "volumes", volume["name"])
        os.makedirs(here)
        group = self._spec["securityContext"]["fsGroup"]
        if "emptyDir" in volume:
            os.chown(here, 0, group)
            os.chmod(here, 0o2777)
        if "configMap" in volume:
            _write_files(here, config, group, 0o644)
        if "secret" in volume:
            # What kubelet makes of a mode where there is an fsGroup: the group may read, too.
            _write_files(here, secrets, group, volume["secret"]["defaultMode"] | 0o040)
        return here

    def _enter(self, container):
        """In the child: what the runtime does before it starts the program."""
        context = {**self._spec["securityContext"], **container["securityContext"]}
        _call("prctl", _PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        _call("unshare", _CLONE_NEWNS)
        _mount(None, "/", None, _MS_REC | _MS_PRIVATE)
        root = self._node.root or ""
        for path in _HIDDEN if not root else ():
            _mount("tmpfs", path, "tmpfs")
        if root:
            _mount(root, root, None, _MS_BIND)
            _mount("/proc", root + "/proc", None, _MS_BIND | _MS_REC)
        for mount in container["volumeMounts"]:
            target = root + mount["mountPath"]
            os.makedirs(target, exist_ok=True)
            _mount(self._volumes[mount["name"]], target, None, _MS_BIND)
            if mount.get("readOnly"):
                _mount(None, target, None, _MS_BIND | _MS_REMOUNT | _MS_RDONLY)
        if root:
            _mount(None, root, None, _MS_BIND | _MS_REMOUNT | _MS_RDONLY)
            os.chroot(root)
        os.chdir("/")
        self._become(context)

    @staticmethod
    def _become(context):
        assert context["capabilities"]["drop"] == ["ALL"]
        kept = [_CAPABILITIES[name] for name in context["capabilities"].get("add", [])]
        for capability in range(_LAST_CAPABILITY + 1):
            if capability not in kept:
                _LIBC.prctl(_PR_CAPBSET_DROP, capability, 0, 0, 0)
        os.setgroups([context["fsGroup"]])
        os.setresgid(*[context["runAsGroup"]] * 3)
        os.setresuid(*[context["runAsUser"]] * 3)
        _call("prctl", _PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)

    def _start(self, container, words, out, **more):
        env = {**self._node.env, **self._env}
        # subprocess looks the program up before it is in the pod; env(1) is not in an image.
        return subprocess.Popen(["/proc/self/exe"], stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                                preexec_fn=lambda: self._exec(container, words, env), **more)

    def _exec(self, container, words, env):
        self._enter(container)
        for folder in env["PATH"].split(":"):
            if os.access(os.path.join(folder, words[0]), os.X_OK):
                os.execve(os.path.join(folder, words[0]), words, env)
        raise FileNotFoundError(words[0])

    def _expand(self, words):
        """$(NAME) of the environment, as in a container's command; probes are taken as they are."""
        return [re.sub(r"\$\((\w+)\)", lambda match: self._env[match.group(1)], word) for word in words]

    def init(self):
        """Runs the containers that come first to their ends."""
        for container in self._spec["initContainers"]:
            done = self._start(container, container["command"], subprocess.PIPE, text=True)
            text, _ = done.communicate(timeout=60)
            if done.returncode != 0:
                raise AssertionError("%s: %s ended with %d: %s" % (self.name, container["name"], done.returncode, text))

    def start(self):
        """Starts the program."""
        words = self._main["command"] + self._main["args"]
        with open(os.path.join(self._folder, "log"), "ab") as log:
            self.process = self._start(self._main, self._expand(words), log)
        return self

    def start_beside(self, name, command):
        """Starts another container of the pod, whose image has this as its entrypoint."""
        container = self._container(name)
        with open(os.path.join(self._folder, name), "ab") as log:
            self._beside.append(self._start(container, self._expand(command + container["args"]), log))

    def probe(self, kind):
        """True where kubelet would say so: "startup", "liveness", "readiness"."""
        probe = self._main[kind + "Probe"]
        done = self._start(self._main, probe["exec"]["command"], subprocess.DEVNULL)
        return done.wait(timeout=60) == 0

    def exec(self, *words):
        """kubectl exec: (exit code, output)."""
        done = self._start(self._main, list(words), subprocess.PIPE, text=True)
        text, _ = done.communicate(timeout=60)
        return done.returncode, text

    def log(self):
        with open(os.path.join(self._folder, "log"), encoding="utf-8", errors="replace") as file:
            return file.read()

    def terminate(self):
        self.process.send_signal(signal.SIGTERM)

    def wait(self, timeout=60):
        return self.process.wait(timeout)

    def kill(self):
        for process in [self.process, *self._beside]:
            if process is not None and process.poll() is None:
                process.kill()
                process.wait()
