"""The official conformance specs, as far as they need no running pod and no controller that is not built.

    python3 conformance_api.py KUBECONFIG [MODULE.CLASS.TEST...]

The steps of each are in `conformance/`, a file for the groups whose specs they are.
"""
import sys, unittest

from kubernetes import config

from conformance import (
    apps, auth, custom_resources, machinery, network, node, policies, quotas, storage, webhooks)

MODULES = (apps, auth, custom_resources, machinery, network, node, policies, quotas, storage, webhooks)

if __name__ == "__main__":
    apps.Kubectl.config = sys.argv.pop(1)
    config.load_kube_config(apps.Kubectl.config)
    loader = unittest.TestLoader()
    names = ["conformance." + name for name in sys.argv[1:]]
    suite = loader.loadTestsFromNames(names or [module.__name__ for module in MODULES])
    sys.exit(not unittest.TextTestRunner(verbosity=2, warnings="ignore").run(suite).wasSuccessful())
