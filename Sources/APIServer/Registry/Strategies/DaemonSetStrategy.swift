import APIMachinery
import Client

/// What is particular to DaemonSets: their templates are counted, for clients of old and for pods whose revision was taken
/// away. The count is the server's: an update keeps it, and one that changes the template adds one.
struct DaemonSetStrategy: ResourceStrategy {
    static let generation = ["metadata", "annotations", "deprecated.daemonset.template.generation"]

    func prepareForCreate(_ object: inout Value, _ request: WriteRequest) {
        object[path: Self.generation] = .string(String(max(1, number(object))))
    }

    func prepareForUpdate(_ object: inout Value, over current: Value, _ request: WriteRequest) {
        guard request.target.subresource == nil else { return }
        let present = number(current)
        let isNew = object.at("spec", "template") != current.at("spec", "template")
        // Behind the greatest number there is no next one.
        let number = isNew && present < .max ? present + 1 : present
        object[path: Self.generation] = number > 0 ? .string(String(number)) : nil
    }

    private func number(_ object: Value) -> Int64 {
        object[path: Self.generation]?.string.flatMap { Int64($0) } ?? 0
    }
}
