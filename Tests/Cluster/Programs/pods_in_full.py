"""What pods may ask of their node beyond what conformance tests: their lives, debugging, files and rights.

    python3 pods_in_full.py KUBECONFIG [NAME...]

Runs as `conformance_node.py` does, on a node with the settings and images of `PodsInFullTests`.
"""
from conformance_node import running
from pods_in_full import debugging, files, images, life, names, probes, rights

if __name__ == "__main__": running.main((life, probes, debugging, names, images, files, rights))
