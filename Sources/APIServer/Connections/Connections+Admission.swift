import API
import APIMachinery
import Client
import Wire

extension Connections {
    /// Lets admission judge a connection: the operation `CONNECT`, whose object are the options of the query
    /// (`PodExecOptions` and the like). Reading a log is no connection, as in Kubernetes.
    func admit(_ call: FrontCall) async throws(Status) {
        let target = call.target
        guard let subresource = target.subresource, subresource != "log" else { return }
        let chain = admission.narrowed(to: target.resource)
        guard !chain.isEmpty else { return }
        let definition = BuiltinResources.shared.definition(of: target.resource)?.subresource(subresource)
        let kind = GroupVersionKind(group: "", version: "v1", kind: definition?.options ?? "")
        let write = WriteRequest(user: call.user, target: target, options: WriteOptions(), verb: .connect)
        var asked = AdmissionRequest(
            write, kind, resource: target.resource, object: Self.options(kind, call.query), face: kind)
        try await chain.admit(&asked)
        try await chain.validate(asked)
    }

    /// The query as an object of the kind of its options.
    static func options(_ kind: GroupVersionKind, _ query: HTTPQuery) -> Value {
        var object: Value = ["apiVersion": .string(kind.apiVersion), "kind": .string(kind.kind)]
        for flag in ["stdin", "stdout", "stderr", "tty"] where query.flag(flag) { object[flag] = true }
        for name in ["container", "path"] {
            if let text = query[name], !text.isEmpty { object[name] = .string(text) }
        }
        let command = query.values(of: "command")
        if !command.isEmpty { object["command"] = Value(command) }
        let ports = query.values(of: "ports").flatMap { $0.split(separator: ",") }.compactMap { Int64($0) }
        if !ports.isEmpty { object["ports"] = .array(ports.map { .integer($0) }) }
        return object
    }
}
