"""What these specs need besides those of conformance."""
import time

from conformance_node.steps import NodeSpec, box


class PodSpec(NodeSpec):
    """A spec about one pod or a few."""

    def container(self, pod, name="c", kind="containerStatuses"):
        """Its status, or that of one that nothing is said of yet."""
        none = {"state": {}, "restartCount": 0}
        return next((one for one in pod["status"].get(kind, []) if one["name"] == name), none)

    def events(self, name):
        """Reasons and messages of what was told of a pod."""
        found = self.core("Event", "events").items(fieldSelector="involvedObject.name=" + name)
        return [(one["reason"], one.get("message", "")) for one in found]

    def told(self, name, reason, words="", seconds=30):
        """Until an event says so; returns its message."""
        kept = {}

        def look():
            kept["all"] = self.events(name)
            kept["one"] = [text for why, text in kept["all"] if why == reason and words in text]
            return kept["one"]
        end = time.monotonic() + seconds
        while not look():
            if time.monotonic() > end: self.fail("%s %r is not told of %s: %s" % (reason, words, name,
                kept["all"]))
            time.sleep(0.1)
        return kept["one"][0]

    def waiting(self, name, reason, container="c", seconds=30):
        """Until the container waits for this reason; returns the message."""
        pod = self.waits(name, lambda pod: any(
            one["name"] == container and one["state"].get("waiting", {}).get("reason") == reason
            for kind in ("initContainerStatuses", "containerStatuses") for one in pod["status"].get(kind,
                [])),
            reason, seconds)
        kind = "containerStatuses"
        if container not in [one["name"] for one in pod["status"].get(kind,
            [])]: kind = "initContainerStatuses"
        return self.container(pod, container, kind)["state"]["waiting"].get("message", "")

    def rejected(self, name, reason, words):
        """The node fails it for good."""
        status = self.phase(name, "Failed", seconds=30)["status"]
        self.assertEqual((status.get("reason"), status.get("message")), (reason, words))

    def restarts(self, name, count, container="c", seconds=60):
        return self.waits(name, lambda pod: any(one["name"] == container and one["restartCount"] >= count
            for one in pod["status"].get("containerStatuses", [])), "%d restarts" % count, seconds)

    def journal(self, name):
        """What containers wrote into the volume of `writes`."""
        return self.shell(name, "cat /shared/log", container="watch").split()


SHARED = [{"name": "shared", "emptyDir": {}}]
MOUNT = [{"name": "shared", "mountPath": "/shared"}]


def writes(script, name="c", **more):
    """A container with the shared folder."""
    return box(script, name=name, volumeMounts=MOUNT, **more)
