"""Converts the Certificates of `certificates.yaml` between their versions, as the operator that owns them would.

    python3 conversion_webhook.py CONFIG_FILE

Listens on a free port of the loopback address and writes the `clientConfig` to reach it with once it can be called.
"""
import json, os, sys, threading
from conformance import hooks


def to_v2(spec):
    secret = dict(spec.pop("secretTemplate", {}), name=spec.pop("secretName"))
    lifetime = {name: spec.pop(name) for name in ("duration", "renewBefore") if name in spec}
    return dict(spec, secret=secret, lifetime=lifetime)


def to_v1(spec):
    secret, lifetime = spec.pop("secret"), spec.pop("lifetime", {})
    spec = dict(spec, secretName=secret.pop("name"), **lifetime)
    return dict(spec, secretTemplate=secret) if secret else spec


def converted(item, version):
    if item["apiVersion"] == version: return item
    change = to_v2 if version.endswith("/v2") else to_v1
    return dict(item, apiVersion=version, spec=change(dict(item["spec"])))


def convert(request):
    objects = [converted(item, request["desiredAPIVersion"]) for item in request["objects"]]
    return {"result": {"status": "Success"}, "convertedObjects": objects}


config_file = sys.argv[1]
hooks.ANSWERS["/convert"] = convert
with open(config_file + ".new", "w") as file: json.dump(hooks.client_config("/convert"), file)
os.rename(config_file + ".new", config_file)
threading.Event().wait()
