"""What conformance asks of a cluster with a node: a file for the groups whose specs they are."""
