"""Runs specs, several at a time; those that change the node alone, after the others."""
import concurrent.futures, sys, time, unittest

from kubernetes import config

from conformance_node import steps

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


def main(modules):
    """The words of the command line: a configuration of kubectl, and names of specs, or none for all."""
    steps.NodeSpec.config, words = sys.argv[1], sys.argv[2:]
    config.load_kube_config(steps.NodeSpec.config)
    loader = unittest.TestLoader()
    found = [one for module in modules for one in specs(loader.loadTestsFromModule(module))]
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
