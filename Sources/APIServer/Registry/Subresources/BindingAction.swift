import API
import APIMachinery
import Client
import Support

/// `pods/NAME/binding` and `bindings`: assigns a pod to a node, once.
struct BindingAction: ResourceAction {
    func perform(_ call: Verbs.Call, _ body: Value, _ api: Verbs) async throws(Status) -> Value {
        let node = body.at("target", "name")?.string ?? ""
        let kind = body.at("target", "kind")?.string ?? ""
        guard !node.isEmpty else { throw invalid(body, [.required("target.name")]) }
        guard kind.isEmpty || kind == "Node" else {
            let supported = ["Node", "<empty>"]
            throw invalid(body, [.notSupported("target.kind", value: .string(kind), supported: supported)])
        }
        let podName = call.target.name.isEmpty ? body.at("metadata", "name")?.string ?? "" : call.target.name
        guard podName == body.at("metadata", "name")?.string ?? "" else {
            throw .badRequest("name in URL does not match name in Binding object")
        }
        let name = ObjectName(namespace: call.target.namespace, name: podName)
        var request = call.request(.update)
        request.target = Target(.pods, name, subresource: "binding")
        request.isAdmitted = true
        let uid = body.at("metadata", "uid")?.string ?? ""
        let annotations = body.at("metadata", "annotations")?.fields ?? Fields()
        // Labels of the node's place that the scheduler's side copies (KEP-4742).
        let labels = body.at("metadata", "labels")?.fields ?? Fields()
        let problems = BuiltinValidation.validateAdditions(body["metadata"])
        guard problems.isEmpty else { throw invalid(body, problems) }
        let now = api.now().description
        let store = api.registry.store(.pods)
        var transform = ResourceStore.Transform(
            apply: { pod throws(Status) in
                let present = pod.at("metadata", "uid")?.string ?? ""
                guard uid.isEmpty || uid == present else {
                    throw .conflict(Self.bindings, name.name, store.wrongUID(uid, of: name, is: present))
                }
                return try Self.bind(pod, to: node, labels, annotations, at: now)
            }, scope: .whole)
        // A node, a condition and good labels make no valid pod invalid; Kubernetes looks no further either.
        transform.isChecked = false
        _ = try await store.update(name, request, transform)
        return ["apiVersion": "v1", "kind": "Status", "metadata": .emptyObject, "status": "Success", "code": 201]
    }

    /// What conflicts name, as in Kubernetes.
    private static let bindings = GroupVersionResource(group: "", version: "v1", resource: "pods/binding")

    private static func bind(
        _ pod: Value, to node: String, _ labels: Fields, _ annotations: Fields, at now: String
    ) throws(Status) -> Value {
        let name = pod.at("metadata", "name")?.string ?? ""
        guard pod.at("metadata", "deletionTimestamp") == nil else {
            throw .conflict(bindings, name, "pod \(name) is being deleted, cannot be assigned to a host")
        }
        if let present = pod.at("spec", "nodeName")?.string, !present.isEmpty {
            throw .conflict(bindings, name, "pod \(name) is already assigned to node \"\(present)\"")
        }
        guard (pod.at("spec", "schedulingGates")?.array ?? []).isEmpty else {
            throw .conflict(bindings, name, "pod \(name) has non-empty .spec.schedulingGates")
        }
        var bound = pod
        bound[path: ["spec", "nodeName"]] = .string(node)
        for (key, value) in annotations { bound[path: ["metadata", "annotations", key]] = value }
        // Where the node stands counts more than what the pod said of it.
        for (key, value) in labels { bound[path: ["metadata", "labels", key]] = value }
        // It has the room that was made for it (KEP-5278).
        if pod.at("status", "nominatedNodeName") != nil { bound[path: ["status", "nominatedNodeName"]] = nil }
        var conditions = (pod.at("status", "conditions")?.array ?? []).filter { $0["type"] != "PodScheduled" }
        conditions.append(["type": "PodScheduled", "status": "True", "lastTransitionTime": .string(now)])
        bound[path: ["status", "conditions"]] = .array(conditions)
        return bound
    }

    private func invalid(_ body: Value, _ errors: [FieldError]) -> Status {
        .invalid(
            GroupVersionKind(group: "", version: "v1", kind: "Binding"),
            body.at("metadata", "name")?.string ?? "", errors)
    }
}
