"""The steps of the official conformance specs that need no running pod, one function for each, named after it."""
