import API
import APIMachinery
import Client
import PKI
import Support

/// Lets the user of a node change only what is that node's: its `Node`, the status of its pods, their mirrors, its
/// lease, and ask for its own certificates alone (Kubernetes documentation, "NodeRestriction"). Whom the node
/// authoriser takes for a node is one here too.
struct NodeRestriction: MutatingAdmission {
    let pods: any ObjectSet
    let nodes: any ObjectSet
    let audiences: NodeTokenAudience

    private static let resources: Set<GroupVersionResource> = [
        .pods, .nodes, .persistentVolumeClaims, .serviceAccounts, .leases, .csiNodes, .resourceSlices,
        .certificateSigningRequests,
    ]

    func concerns(_ resource: GroupVersionResource) -> Bool { Self.resources.contains(resource) }

    func admit(_ request: inout AdmissionRequest) async throws(Status) {
        guard request.user.groups.contains(NodeAuthorizer.group),
            request.user.name.hasPrefix(NodeAuthorizer.userPrefix), request.operation != .connect
        else { return }
        let node = String(request.user.name.dropFirst(NodeAuthorizer.userPrefix.count))
        guard !node.isEmpty else {
            throw request.forbidden("could not determine node from user \(GoText.quoted(request.user.name))")
        }
        switch request.resource {
        case .pods: try checkPod(request, node)
        case .nodes: try NodeChange(request, node).check()
        case .persistentVolumeClaims: try checkClaim(request, node)
        case .serviceAccounts: try await checkToken(request, node)
        case .leases: try checkLease(request, node)
        case .csiNodes:
            guard request.objectName == node else {
                throw request.forbidden("can only access CSINode with the same name as the requesting node")
            }
        case .resourceSlices: try checkSlice(request, node)
        case .certificateSigningRequests: try checkCertificate(request, node)
        default: break
        }
    }

    // MARK: Pods

    private func checkPod(_ request: AdmissionRequest, _ node: String) throws(Status) {
        switch (request.subresource, request.operation) {
        case (nil, .create): try checkMirror(request, request.object ?? .emptyObject, node)
        case (nil, .delete):
            guard request.oldObject?.at("spec", "nodeName")?.string == node else {
                throw request.forbidden("node \"\(node)\" can only delete pods with spec.nodeName set to itself")
            }
        case (nil, let operation):
            throw request.forbidden(
                "unexpected operation \"\(operation.rawValue)\", node \"\(node)\" can only create and delete mirror pods")
        case ("status", .update): try checkStatus(request, node)
        case ("eviction", .create):
            let name = ObjectName(namespace: request.namespace, name: request.objectName)
            guard let pod = pods.get(name) else { throw .notFound(.pods, name.name) }
            guard pod.field("spec.nodeName") == node else {
                throw request.forbidden("node \(node) can only evict pods with spec.nodeName set to itself")
            }
        case ("status", let operation), ("eviction", let operation):
            throw request.forbidden("unexpected operation \"\(operation.rawValue)\"")
        case (let other?, _):
            throw request.forbidden(
                "unexpected pod subresource \"\(other)\", only 'status' and 'eviction' are allowed")
        }
    }

    private func checkStatus(_ request: AdmissionRequest, _ node: String) throws(Status) {
        let (old, new) = (request.oldObject ?? .emptyObject, request.object ?? .emptyObject)
        guard old.at("spec", "nodeName")?.string == node else {
            throw request.forbidden(
                "node \"\(node)\" can only update pod status for pods with spec.nodeName set to itself")
        }
        guard old.at("metadata", "labels")?.strings ?? [:] == new.at("metadata", "labels")?.strings ?? [:] else {
            throw request.forbidden("node \"\(node)\" cannot update labels through pod status")
        }
        let claims = { (pod: Value) in pod.at("status", "resourceClaimStatuses")?.array ?? [] }
        guard claims(old) == claims(new) else {
            throw request.forbidden("node \"\(node)\" cannot update resource claim statues")
        }
    }

    /// A node may show a pod that it runs from a file, which refers to nothing in the cluster.
    private func checkMirror(_ request: AdmissionRequest, _ pod: Value, _ node: String) throws(Status) {
        func refuse(_ why: String) -> Status { request.forbidden("node \"\(node)\" \(why)") }
        guard pod.at("metadata", "annotations", "kubernetes.io/config.mirror") != nil else {
            throw request.forbidden(
                "pod does not have \"kubernetes.io/config.mirror\" annotation, node \"\(node)\" can only create mirror pods")
        }
        guard pod.at("spec", "nodeName")?.string == node else {
            throw refuse("can only create pods with spec.nodeName set to itself")
        }
        let owners = pod.at("metadata", "ownerReferences")?.array ?? []
        guard owners.count < 2 else {
            throw refuse("can only create pods with a single owner reference set to itself")
        }
        guard let owner = owners.first, owner["apiVersion"] == "v1", owner["kind"] == "Node",
            owner["name"]?.string == node
        else { throw refuse("can only create pods with an owner reference set to itself") }
        guard owner["controller"] == true else {
            throw refuse("can only create pods with a controller owner reference set to itself")
        }
        guard owner["blockOwnerDeletion"] != true else {
            throw refuse("must not set blockOwnerDeletion on an owner reference")
        }
        guard let present = nodes.get(ObjectName(name: node)) else { throw .notFound(.nodes, node) }
        let uid = owner["uid"]?.string ?? ""
        guard uid == present.uid else {
            throw request.forbidden("node \(node) UID mismatch: expected \(uid) got \(present.uid)")
        }
        if let kind = PodReferences.kind(in: Pod(pod)) { throw refuse("can not create pods that reference \(kind)") }
    }

    // MARK: The rest

    /// The kubelet tells how far the growth of a volume's file system has come, nothing else.
    private func checkClaim(_ request: AdmissionRequest, _ node: String) throws(Status) {
        guard request.subresource == "status" else { throw request.forbidden("may only update PVC status") }
        guard request.operation == .update else {
            throw request.forbidden("unexpected operation \"\(request.operation.rawValue)\"")
        }
        func rest(_ claim: Value?) -> Value {
            var rest = claim ?? .emptyObject
            for key in ["capacity", "conditions", "allocatedResourceStatuses", "allocatedResources"] {
                rest[path: ["status", key]] = nil
            }
            for key in ["resourceVersion", "managedFields"] { rest[path: ["metadata", key]] = nil }
            return rest
        }
        guard rest(request.object) == rest(request.oldObject) else {
            throw request.forbidden(
                "node \"\(node)\" is not allowed to update fields other than status.capacity and status.conditions")
        }
    }

    /// A token for a pod that runs here.
    private func checkToken(_ request: AdmissionRequest, _ node: String) async throws(Status) {
        guard request.operation == .create, request.subresource == "token" else { return }
        guard let reference = request.object?.at("spec", "boundObjectRef"), reference["apiVersion"] == "v1",
            reference["kind"] == "Pod", let name = reference["name"]?.string, !name.isEmpty
        else { throw request.forbidden("node requested token not bound to a pod") }
        guard let uid = reference["uid"]?.string, !uid.isEmpty else {
            throw request.forbidden("node requested token with a pod binding without a uid")
        }
        guard let pod = pods.get(ObjectName(namespace: request.namespace, name: name)) else {
            throw .notFound(.pods, name)
        }
        guard pod.uid == uid else {
            throw request.forbidden(
                "the UID in the bound object reference (\(uid)) does not match the UID in record. "
                    + "The object might have been deleted and then recreated")
        }
        guard pod.field("spec.nodeName") == node else {
            throw request.forbidden("node requested token bound to a pod scheduled on a different node")
        }
        try await audiences.check(request, of: Pod(pod.value))
    }

    private func checkLease(_ request: AdmissionRequest, _ node: String) throws(Status) {
        guard request.namespace == "kube-node-lease" else {
            throw request.forbidden("can only access leases in the \"kube-node-lease\" system namespace")
        }
        guard request.objectName == node else {
            throw request.forbidden("can only access node lease with the same name as the requesting node")
        }
    }

    private func checkSlice(_ request: AdmissionRequest, _ node: String) throws(Status) {
        let slice = request.operation == .delete ? request.oldObject : request.object
        guard slice?.at("spec", "nodeName")?.string == node else {
            let verb = request.operation == .delete ? "delete" : "create"
            throw request.forbidden("can only \(verb) ResourceSlice with the same NodeName as the requesting node")
        }
    }

    private static let nodeSigners = [
        "kubernetes.io/kube-apiserver-client-kubelet", "kubernetes.io/kubelet-serving",
    ]

    /// A certificate by which it would be taken for a node is for this one.
    private func checkCertificate(_ request: AdmissionRequest, _ node: String) throws(Status) {
        guard request.operation == .create, request.subresource == nil, let spec = request.object?["spec"],
            let signer = spec["signerName"]?.string, Self.nodeSigners.contains(signer)
        else { return }
        let name: String
        do throws(Fault) {
            guard let pem = Base64.decode(spec["request"]?.string ?? "") else {
                throw Fault(.invalid, "the request is not base64")
            }
            name = try CertificateSigningRequest(pem: pem).subject.commonName
        } catch {
            throw request.forbidden("unable to parse csr: \(error.summary)")
        }
        guard name == NodeAuthorizer.userPrefix + node else {
            throw request.forbidden("can only create a node CSR with CN=\(NodeAuthorizer.userPrefix)\(node)")
        }
    }
}

/// A change of a `Node` by its own kubelet, which must not draw pods to itself by labels or taints, nor have itself
/// collected as garbage and come back as another (CVE-2025-5187).
private struct NodeChange {
    let request: AdmissionRequest
    let node: String

    init(_ request: AdmissionRequest, _ node: String) {
        self.request = request
        self.node = node
    }

    func check() throws(Status) {
        guard request.objectName == node else {
            throw request.forbidden("node \"\(node)\" is not allowed to modify node \"\(request.objectName)\"")
        }
        guard let new = request.object else { return }
        let labels = new.at("metadata", "labels")?.strings ?? [:]
        guard let old = request.oldObject else {
            guard Self.settings(of: new) == nil else {
                throw request.forbidden(
                    "node \"\(node)\" is not allowed to create pods with a non-nil configSource")
            }
            let bad = labels.keys.filter(Self.isForbidden).sorted()
            guard bad.isEmpty else {
                throw request.forbidden(
                    "node \"\(node)\" is not allowed to set the following labels: \(bad.joined(separator: ", "))")
            }
            return
        }
        if let settings = Self.settings(of: new), settings != Self.settings(of: old) {
            throw request.forbidden(
                "node \"\(node)\" is not allowed to update configSource to a new non-nil configSource")
        }
        guard new.at("spec", "taints")?.array ?? [] == old.at("spec", "taints")?.array ?? [] else {
            throw request.forbidden("node \"\(node)\" is not allowed to modify taints")
        }
        let before = old.at("metadata", "labels")?.strings ?? [:]
        let changed = Set(labels.keys).union(before.keys).filter { labels[$0] != before[$0] }
        let bad = changed.filter(Self.isForbidden).sorted()
        guard bad.isEmpty else {
            throw request.forbidden("is not allowed to modify labels: \(bad.joined(separator: ", "))")
        }
        let owners = { (node: Value) in node.at("metadata", "ownerReferences")?.array ?? [] }
        guard owners(new) == owners(old) else {
            throw request.forbidden("node \"\(node)\" is not allowed to modify ownerReferences")
        }
    }

    /// A ConfigMap that the node would be let read: an old way of setting kubelets up.
    private static func settings(of node: Value) -> Value? {
        node.at("spec", "configSource").flatMap { $0.isNull ? nil : $0 }
    }

    private static let ownLabels: Set<String> = [
        "kubernetes.io/hostname", "topology.kubernetes.io/zone", "topology.kubernetes.io/region",
        "failure-domain.beta.kubernetes.io/zone", "failure-domain.beta.kubernetes.io/region",
        "node.kubernetes.io/instance-type", "beta.kubernetes.io/instance-type", "kubernetes.io/os",
        "kubernetes.io/arch", "beta.kubernetes.io/os", "beta.kubernetes.io/arch",
    ]

    /// Whether a kubelet must leave a label alone: those that keep workloads apart, and those of Kubernetes that are not
    /// its own (KEP-279).
    private static func isForbidden(_ label: String) -> Bool {
        let parts = label.split(separator: "/", maxSplits: 1)
        guard parts.count == 2 else { return false }
        func isWithin(_ domain: String) -> Bool { parts[0] == domain || parts[0].hasSuffix("." + domain) }
        if isWithin("node-restriction.kubernetes.io") { return true }
        guard isWithin("kubernetes.io") || isWithin("k8s.io") else { return false }
        return !ownLabels.contains(label) && !isWithin("kubelet.kubernetes.io") && !isWithin("node.kubernetes.io")
    }
}
