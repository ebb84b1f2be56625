public import APIMachinery
import CTables

/// The schema tables that come with the binary.
public enum BuiltinTypes {
    /// All types of Kubernetes' own groups, by their names in OpenAPI documents: `io.k8s.api.core.v1.Pod`.
    public static let kubernetes = SchemaTable(static: CTables_kubernetes().buffer)

    /// The messages of the container runtime interface, by their full names: `runtime.v1.PodSandboxConfig`.
    public static let cri = SchemaTable(static: CTables_cri().buffer)

    /// The messages of etcd: `etcdserverpb.RangeRequest`, `mvccpb.KeyValue`.
    public static let etcd = SchemaTable(static: CTables_etcd().buffer)

    /// The objects that RBAC starts with: cluster roles, roles and their bindings, parsed anew at each call.
    public static func rbacObjects() -> [Value] { CTables_rbac().document.array ?? [] }
}

extension CTable {
    var buffer: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: bytes, count: Int(count)) }

    /// The bytes as the JSON document that the generator wrote.
    var document: Value {
        do { return try Value(json: Array(buffer)) } catch {
            preconditionFailure("an embedded table is JSON by construction: \(error)")
        }
    }
}
