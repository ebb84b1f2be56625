import API
import APIMachinery
import Client
import Support

/// `pods/NAME/binding` and `bindings`: assigns a pod to a node, once.
struct BindingAction: ResourceAction {
    func perform(_ call: Verbs.Call, _ body: Value, _ api: Verbs) async throws(Status) -> Value {
        let node = body.at("target", "name")?.string ?? ""
        let kind = body.at("target", "kind")?.string ?? ""
        guard !node.isEmpty else { throw invalid(body, .required("target.name")) }
        guard kind.isEmpty || kind == "Node" else {
            throw invalid(body, .notSupported("target.kind", value: .string(kind), supported: ["Node", "<empty>"]))
        }
        let podName = call.target.name.isEmpty ? body.at("metadata", "name")?.string ?? "" : call.target.name
        let name = ObjectName(namespace: call.target.namespace, name: podName)
        var request = call.request(.update)
        request.target = Target(.pods, name, subresource: "binding")
        request.isAdmitted = true
        let uid = body.at("metadata", "uid")?.string ?? ""
        let annotations = body.at("metadata", "annotations")?.fields ?? Fields()
        let labels = body.at("metadata", "labels")?.fields ?? Fields()
        let now = api.now().description
        let transform = ResourceStore.Transform(
            apply: { pod throws(Status) in
                try Self.bind(pod, to: node, uid: uid, annotations, labels, at: now)
            }, scope: .whole)
        _ = try await api.registry.store(.pods).update(name, request, transform)
        return ["apiVersion": "v1", "kind": "Status", "metadata": .emptyObject, "status": "Success", "code": 201]
    }

    private static func bind(
        _ pod: Value, to node: String, uid: String, _ annotations: Fields, _ labels: Fields, at now: String
    ) throws(Status) -> Value {
        let name = pod.at("metadata", "name")?.string ?? ""
        guard uid.isEmpty || uid == pod.at("metadata", "uid")?.string else {
            throw .conflict(.pods, name, "the pod was deleted and created anew since it was scheduled")
        }
        guard pod.at("metadata", "deletionTimestamp") == nil else {
            throw .conflict(.pods, name, "pod \(name) is being deleted, cannot be assigned to a host")
        }
        if let present = pod.at("spec", "nodeName")?.string, !present.isEmpty {
            throw .conflict(.pods, name, "pod \(name) is already assigned to node \"\(present)\"")
        }
        var bound = pod
        bound[path: ["spec", "nodeName"]] = .string(node)
        for (key, value) in annotations { bound[path: ["metadata", "annotations", key]] = value }
        for (key, value) in labels where pod.at("metadata", "labels", key) == nil {
            bound[path: ["metadata", "labels", key]] = value
        }
        var conditions = (pod.at("status", "conditions")?.array ?? []).filter { $0["type"] != "PodScheduled" }
        conditions.append(["type": "PodScheduled", "status": "True", "lastTransitionTime": .string(now)])
        bound[path: ["status", "conditions"]] = .array(conditions)
        return bound
    }

    private func invalid(_ body: Value, _ error: FieldError) -> Status {
        .invalid(
            GroupVersionKind(group: "", version: "v1", kind: "Binding"),
            body.at("metadata", "name")?.string ?? "", [error])
    }
}
