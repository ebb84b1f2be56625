import API
import APIMachinery
import Client
import Support

/// What the node's status says of volumes that are in use here, and that nobody may detach therefore.
///
/// A volume is told before it is mounted, and until it is unmounted from the node.
struct VolumesInUse: Sendable {
    private static let prefix = "kubernetes.io/csi/"

    let client: any Client
    let nodeName: String
    let turns: Turns

    func add(_ name: String) async throws(Fault) {
        try await change { names in
            if !names.contains(name) { names = (names + [name]).sorted() }
        }
    }

    func remove(_ name: String) async throws(Fault) { try await change { $0.removeAll { $0 == name } } }

    /// After a restart: what is not here any more is not in use.
    func keep(_ present: Set<String>) async throws(Fault) {
        try await change { $0.removeAll { $0.hasPrefix(Self.prefix) && !present.contains($0) } }
    }

    /// One write after the other, each made from what is there.
    private func change(_ body: @Sendable (inout [String]) -> Void) async throws(Fault) {
        try await turns.run("the volumes in use") { () throws(Fault) in
            do throws(Status) {
                let name = ObjectName(name: nodeName)
                // A node that is not registered yet has nothing in use; one that is registered anew tells again.
                guard let node = try await client.find(Node.self, name) else { return }
                var names = node.status.volumesInUse
                body(&names)
                guard names != node.status.volumesInUse else { return }
                let list: Value = names.isEmpty ? .null : .array(names.map { .string($0) })
                try await client.patch(
                    Node.self, name, subresource: "status", .merge(["status": ["volumesInUse": list]]))
            } catch {
                throw Fault(error, "cannot tell which volumes are in use")
            }
        }
    }
}
