import APIMachinery

/// What a node may do with each kind of object that is not the same to all nodes, in the words of Kubernetes' refusals.
extension NodeAuthorizer {
    // MARK: What its pods refer to

    func reading(_ node: String, _ request: AccessRequest) -> Verdict {
        guard ["get", "list", "watch"].contains(request.verb) else {
            return .refused("can only read resources of this type")
        }
        guard request.subresource.isEmpty else { return .refused("cannot read subresource") }
        guard !request.namespace.isEmpty else { return .refused("can only read namespaced object of this type") }
        return related(node, request)
    }

    func getting(_ node: String, _ request: AccessRequest) -> Verdict {
        guard request.verb == "get" else { return .refused("can only get individual resources of this type") }
        guard request.subresource.isEmpty else { return .refused("cannot get subresource") }
        return related(node, request)
    }

    /// One that its pods use may be watched, too, by whoever names it: Kubernetes' nodes ask again and again whether it
    /// asks for more.
    func claim(_ node: String, _ request: AccessRequest) -> Verdict {
        let isNamed = ["list", "watch"].contains(request.verb) && !request.name.isEmpty
        return isNamed ? reading(node, request) : getting(node, request)
    }

    func claimStatus(_ node: String, _ request: AccessRequest) -> Verdict {
        guard ["update", "patch"].contains(request.verb) else {
            return .refused("can only get/update/patch this type")
        }
        return related(node, request)
    }

    /// A token for each of the accounts of its pods; the account itself for the providers of image credentials.
    func accountToken(_ node: String, _ request: AccessRequest) -> Verdict {
        if request.verb == "get", request.subresource.isEmpty { return related(node, request) }
        guard request.verb == "create", !request.name.isEmpty else {
            return .refused("can only create tokens for individual service accounts")
        }
        guard request.subresource == "token" else {
            return .refused("can only create token subresource of serviceaccount")
        }
        return related(node, request)
    }

    private func related(_ node: String, _ request: AccessRequest) -> Verdict {
        guard !request.name.isEmpty else { return .refused("No Object name found") }
        guard isRelated(node, request) else {
            return .refused("no relationship found between node '\(node)' and this object")
        }
        return .allowed
    }

    // MARK: Pods and nodes

    func ownPods(_ node: String, _ request: AccessRequest) -> Verdict {
        switch (request.subresource, request.verb) {
        case ("", "get"): return related(node, request)
        case ("", "list"), ("", "watch"):
            if request.selectors.pins("spec.nodeName", to: node) { return .allowed }
            guard request.name.isEmpty else { return related(node, request) }
            return .refused("can only list/watch pods with spec.nodeName field selector")
        case ("", "create"), ("", "delete"), ("status", "update"), ("status", "patch"), ("eviction", "create"):
            return .allowed
        default: return .refused("")
        }
    }

    func ownNode(_ node: String, _ request: AccessRequest) -> Verdict {
        switch (request.subresource, request.verb) {
        case ("", "create"), ("", "update"), ("", "patch"), ("status", "update"), ("status", "patch"): return .allowed
        case ("", "get"), ("", "list"), ("", "watch"):
            if request.name == node { return .allowed }
            let what = request.name.isEmpty ? "all nodes" : "'\(request.name)'"
            return .refused("node '\(node)' cannot read \(what), only its own Node object")
        default: return .refused("")
        }
    }

    // MARK: What bears its name

    private static let ownVerbs: Set<String> = ["get", "create", "update", "patch", "delete"]

    func lease(_ node: String, _ request: AccessRequest) -> Verdict {
        guard Self.ownVerbs.contains(request.verb) else {
            return .refused("can only get, create, update, patch, or delete a node lease")
        }
        guard request.namespace == "kube-node-lease" else {
            return .refused(#"can only access leases in the "kube-node-lease" system namespace"#)
        }
        // The name of what is created is in its body: admission looks there.
        guard request.verb == "create" || request.name == node else {
            return .refused("can only access node lease with the same name as the requesting node")
        }
        return .allowed
    }

    func storageNode(_ node: String, _ request: AccessRequest) -> Verdict {
        guard Self.ownVerbs.contains(request.verb) else {
            return .refused("can only get, create, update, patch, or delete a CSINode")
        }
        guard request.subresource.isEmpty else { return .refused("cannot authorize CSINode subresources") }
        guard request.verb == "create" || request.name == node else {
            return .refused("can only access CSINode with the same name as the requesting node")
        }
        return .allowed
    }

    func slice(_ node: String, _ request: AccessRequest) -> Verdict {
        guard request.subresource.isEmpty else { return .refused("cannot authorize ResourceSlice subresources") }
        switch request.verb {
        case "create": return .allowed
        case "get", "update", "patch", "delete": return related(node, request)
        case "watch", "list", "deletecollection":
            guard request.selectors.pins("spec.nodeName", to: node) else {
                return .refused(
                    "can only list/watch/deletecollection resourceslices with nodeName field selector")
            }
            return .allowed
        default:
            return .refused(
                "only the following verbs are allowed for a ResourceSlice: get, watch, list, create, update, patch, "
                    + "delete, deletecollection")
        }
    }
}
