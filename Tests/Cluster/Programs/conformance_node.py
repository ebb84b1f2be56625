"""The official conformance specs that need a node: of pods, volumes, services, workloads, kubectl.

    python3 conformance_node.py KUBECONFIG [NAME...]

Runs on a cluster of one node with the images of `TestRegistry`, in the node's own network and mounts:
services are asked from the node, too, and pods find the machine's Python by paths of the host. Specs whose
names have one of the words run, several at a time; those that change the node run alone, after them. What
takes minutes by its nature (CronJobs, five restarts of a container) is left out.
"""
import concurrent.futures, sys, time, unittest

from kubernetes import config

from conformance_node import apps, kubectl, network, pods, scheduling, steps, volumes

MODULES = (pods, volumes, network, apps, kubectl, scheduling)
WORKERS = 8


def specs(suite):
    for one in suite:
        if isinstance(one, unittest.TestSuite): yield from specs(one)
        elif type(one).__module__ != steps.__name__: yield one


def run(one):
    """What went wrong in it."""
    result, began = unittest.TestResult(), time.monotonic()
    one.run(result)
    wrong = "".join(text for _, text in result.errors + result.failures)
    took = "%.1f s" % (time.monotonic() - began)
    print("FAIL" if wrong else "ok", one.id(), took, file=sys.stderr, flush=True)
    return wrong and "%s\n%s\n%s" % ("=" * 70, one.id(), wrong)


if __name__ == "__main__":
    steps.NodeSpec.config, words = sys.argv[1], sys.argv[2:]
    config.load_kube_config(steps.NodeSpec.config)
    loader = unittest.TestLoader()
    found = [one for module in MODULES for one in specs(loader.loadTestsFromModule(module))]
    chosen = [one for one in found if not words or any(word in one.id() for word in words)]
    alone = [one for one in chosen if getattr(one, "alone", False)]
    together = [one for one in chosen if one not in alone]
    with concurrent.futures.ThreadPoolExecutor(WORKERS) as pool:
        wrong = list(pool.map(run, together))
    # Beside others a spec has little of the machine: one that failed is asked once more, by itself.
    again = [one for one, text in zip(together, wrong) if text]
    wrong = [text for text in map(run, again + alone) if text]
    print("".join(wrong), "\nRan %d tests, %d failed" % (len(chosen), len(wrong)), sep="", file=sys.stderr)
    sys.exit(bool(wrong) or not chosen)
