"""The official conformance specs that need a node: of pods, volumes, services, workloads, kubectl.

    python3 conformance_node.py KUBECONFIG [NAME...]

Runs on a cluster of one node with the images of `TestRegistry`, in the node's own network and mounts:
services are asked from the node, too, and pods find the machine's Python by paths of the host. Specs whose
names have one of the words run, several at a time; those that change the node run alone, after them. What
takes minutes by its nature (CronJobs, five restarts of a container) is left out.
"""
from conformance_node import apps, kubectl, network, pods, running, scheduling, volumes

if __name__ == "__main__": running.main((pods, volumes, network, apps, kubectl, scheduling))
