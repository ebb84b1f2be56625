"""A thousand Certificates on their way from one stored version to the next.

    python3 version_change.py KUBECONFIG fill
    python3 version_change.py KUBECONFIG check VERSION...
    python3 version_change.py KUBECONFIG move FIRST END
"""
import sys
from concurrent.futures import ThreadPoolExecutor

from kubernetes import client, config

COUNT, GROUP, PLURAL, NAMESPACE = 1000, "certs.example.org", "certificates", "default"


def name(index): return "site-%04d" % index


def spec(index, version):
    """With what the schema fills in."""
    common = {
        "commonName": "s%d.example.org" % index, "copies": index % 7, "backoff": "50%",
        "issuerRef": {"name": "issuer-%d" % (index % 10), "kind": "Issuer", "group": GROUP},
        "privateKey": {"algorithm": "ECDSA", "size": 256}, "settings": {"notes": ["n" * (index % 50), None, index]}}
    secret, lifetime = "secret-%d" % index, {"duration": "2160h", "renewBefore": "%dh" % (index + 1)}
    if version == "v1": return dict(common, secretName=secret, **lifetime)
    return dict(common, secret={"name": secret}, lifetime=lifetime)


def fill():
    def create(index):
        given = spec(index, "v1")
        for defaulted in ("backoff", "privateKey", "duration"): del given[defaulted]
        body = {
            "apiVersion": GROUP + "/v1", "kind": "Certificate", "spec": given,
            "metadata": {"name": name(index), "labels": {"tenth": str(index % 10)}}}
        made = api.create_namespaced_custom_object(GROUP, "v1", NAMESPACE, PLURAL, body)
        made["status"] = {"copies": index % 7, "conditions": [{"type": "Ready", "status": "True"}]}
        api.replace_namespaced_custom_object_status(GROUP, "v1", NAMESPACE, PLURAL, name(index), made)
    each(create, range(COUNT))


def check(*versions):
    for version in versions:
        seen, token = [], None
        while token != "":
            page = api.list_namespaced_custom_object(
                GROUP, version, NAMESPACE, PLURAL, limit=300, **({"_continue": token} if token else {}))
            seen += page["items"]
            token = page["metadata"].get("continue", "")
        assert [item["metadata"]["name"] for item in seen] == [name(index) for index in range(COUNT)], len(seen)
        for index, item in enumerate(seen):
            assert item["apiVersion"] == GROUP + "/" + version, item
            assert item["spec"] == spec(index, version), (item["spec"], spec(index, version))
            assert item["status"]["copies"] == index % 7, item
            assert item["metadata"]["generation"] == 1, item
        some = api.list_namespaced_custom_object(
            GROUP, version, NAMESPACE, PLURAL, label_selector="tenth=3", field_selector="spec.issuerRef.name=issuer-3")
        assert len(some["items"]) == COUNT // 10, len(some["items"])


def move(first, end):
    def rewrite(index):
        item = api.get_namespaced_custom_object(GROUP, "v2", NAMESPACE, PLURAL, name(index))
        written = api.replace_namespaced_custom_object(GROUP, "v2", NAMESPACE, PLURAL, name(index), item)
        assert written["metadata"]["resourceVersion"] != item["metadata"]["resourceVersion"], "was not rewritten"
        assert written["spec"] == item["spec"] and written["status"] == item["status"], written
    each(rewrite, range(int(first), int(end)))


def each(work, indices):
    with ThreadPoolExecutor(8) as pool: list(pool.map(work, indices))


config.load_kube_config(sys.argv[1])
api = client.CustomObjectsApi()
{"fill": fill, "check": check, "move": move}[sys.argv[2]](*sys.argv[3:])
