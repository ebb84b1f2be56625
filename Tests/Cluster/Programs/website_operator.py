"""An operator as people write them: it makes a Deployment, a Service and a ConfigMap of each `Website`.

    python3 website_operator.py KUBECONFIG NAMESPACE IDENTITY

Candidates elect one leader by a Lease. The leader watches Websites and, through an informer, the Deployments that it made;
it applies its objects on the server's side as the field manager `website-operator`, reports in the status subresource, and
holds a finalizer until what belongs to a Website outside of its ownership is gone.
"""
import queue, sys, threading

from kubernetes import client, config, informer, watch
from kubernetes.client.rest import ApiException
from kubernetes.leaderelection import electionconfig, leaderelection
from kubernetes.leaderelection.resourcelock.leaselock import LeaseLock

GROUP, VERSION, PLURAL = "shop.example.org", "v1", "websites"
FINALIZER = GROUP + "/archive"


class Operator:
    def __init__(self, namespace):
        self.namespace, self.work = namespace, queue.Queue()
        self.websites, self.core = client.CustomObjectsApi(), client.CoreV1Api()
        self.deployments = informer.SharedInformer(
            client.AppsV1Api().list_namespaced_deployment, namespace, label_selector="website")

    def run(self):
        for change in (informer.ADDED, informer.MODIFIED, informer.DELETED):
            self.deployments.add_event_handler(change, lambda made: self.work.put(made.metadata.labels["website"]))
        self.deployments.start()
        threading.Thread(target=self.follow, daemon=True).start()
        while True:
            name = self.work.get()
            try:
                self.reconcile(name)
            except ApiException as error:
                if error.status not in (404, 409): raise
                # Somebody else was faster; what is true now is looked at again.
                self.work.put(name)

    def follow(self):
        """Lists the Websites, then watches on from there; begins again when the server forgot where that was."""
        while True:
            found = self.websites.list_namespaced_custom_object(GROUP, VERSION, self.namespace, PLURAL)
            for website in found["items"]: self.work.put(website["metadata"]["name"])
            try:
                for event in watch.Watch().stream(
                        self.websites.list_namespaced_custom_object, GROUP, VERSION, self.namespace, PLURAL,
                        resource_version=found["metadata"]["resourceVersion"], allow_watch_bookmarks=True):
                    if event["type"] != "BOOKMARK": self.work.put(event["object"]["metadata"]["name"])
            except ApiException as error:
                if error.status != 410: raise

    def reconcile(self, name):
        try:
            website = self.websites.get_namespaced_custom_object(GROUP, VERSION, self.namespace, PLURAL, name)
        except ApiException as error:
            if error.status == 404: return
            raise
        metadata = website["metadata"]
        if "deletionTimestamp" in metadata: return self.archive(website)
        if FINALIZER not in metadata.get("finalizers", []):
            finalizers = metadata.get("finalizers", []) + [FINALIZER]
            patch = {"metadata": {"resourceVersion": metadata["resourceVersion"], "finalizers": finalizers}}
            self.websites.patch_namespaced_custom_object(GROUP, VERSION, self.namespace, PLURAL, name, patch)
        for body in self.wanted(website): self.apply(body)
        self.report(website)

    def archive(self, website):
        """What outlives the Website by its owner references' rules: a record of what it served."""
        metadata = website["metadata"]
        if FINALIZER not in metadata.get("finalizers", []): return
        self.apply({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": metadata["name"] + "-archive"},
                    "data": {"page": website["spec"]["page"]}})
        rest = [finalizer for finalizer in metadata["finalizers"] if finalizer != FINALIZER]
        patch = {"metadata": {"resourceVersion": metadata["resourceVersion"], "finalizers": rest}}
        self.websites.patch_namespaced_custom_object(
            GROUP, VERSION, self.namespace, PLURAL, metadata["name"], patch)

    def wanted(self, website):
        name, spec = website["metadata"]["name"], website["spec"]
        labels = {"website": name}
        common = {"name": name, "labels": labels, "ownerReferences": [{
            "apiVersion": website["apiVersion"], "kind": website["kind"], "name": name, "controller": True,
            "uid": website["metadata"]["uid"], "blockOwnerDeletion": True}]}
        yield {"apiVersion": "v1", "kind": "ConfigMap", "metadata": common, "data": {"index.html": spec["page"]}}
        yield {"apiVersion": "v1", "kind": "Service", "metadata": common,
               "spec": {"selector": labels, "ports": [{"port": 80, "targetPort": 8080}]}}
        pod = {"containers": [{"name": "web", "image": "nginx:1", "ports": [{"containerPort": 8080}]}],
               "volumes": [{"name": "page", "configMap": {"name": name}}]}
        yield {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": common, "spec": {
            "replicas": spec["replicas"], "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": pod}}}

    def apply(self, body):
        calls = {
            "ConfigMap": self.core.patch_namespaced_config_map, "Service": self.core.patch_namespaced_service,
            "Deployment": client.AppsV1Api().patch_namespaced_deployment}
        calls[body["kind"]](
            body["metadata"]["name"], self.namespace, body, field_manager="website-operator", force=True,
            _content_type="application/apply-patch+yaml")

    def report(self, website):
        name = website["metadata"]["name"]
        made = self.deployments.cache.get_by_key("%s/%s" % (self.namespace, name))
        pods = (made and made.status and made.status.replicas) or 0
        status = {"pods": pods, "observedGeneration": website["metadata"]["generation"],
                  "conditions": [{"type": "Deployed", "status": str(pods == website["spec"]["replicas"])}]}
        if website.get("status") == status: return
        self.websites.patch_namespaced_custom_object_status(
            GROUP, VERSION, self.namespace, PLURAL, name, {"status": status})


def main():
    kubeconfig, namespace, identity = sys.argv[1:]
    config.load_kube_config(kubeconfig)
    leaderelection.LeaderElection(electionconfig.Config(
        LeaseLock("website-operator", namespace, identity), lease_duration=10, renew_deadline=8, retry_period=1,
        onstarted_leading=Operator(namespace).run, onstopped_leading=None)).run()


main()
