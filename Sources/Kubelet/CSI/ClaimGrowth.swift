import API
import APIMachinery

/// Whether the file system of a claim's volume must grow on the node that has it, and what the claim says then (KEP
/// 284, KEP 1790). Pure.
///
/// The program beside the driver has made the volume larger by then; its PersistentVolume says so, its claim does not.
struct ClaimGrowth: Sendable {
    private static let resource = "storage"
    /// What tells people that it goes on.
    private static let conditions: Set = ["Resizing", "FileSystemResizePending"]

    let claim: PersistentVolumeClaim
    let volume: PersistentVolume

    /// Whether it is worth looking at the volume.
    static func isLikely(_ claim: PersistentVolumeClaim) -> Bool {
        guard let asked = quantity(claim.spec.resources.requests[resource]),
            let present = quantity(claim.status.capacity[resource])
        else { return false }
        return present < asked && claim.status.phase == "Bound"
    }

    /// How large it shall become, in bytes; `nil` when it is as large as its volume, or was found not to be able to.
    var wanted: Int64? {
        guard let present = Self.quantity(claim.status.capacity[Self.resource]),
            let capacity = Self.quantity(volume.spec.capacity[Self.resource]), present < capacity,
            claim.status.allocatedResourceStatuses[Self.resource] != "NodeResizeInfeasible"
        else { return nil }
        return capacity.value
    }

    /// It goes on: a merge patch of the claim's status. `nil` for a claim whose controller does not follow the steps.
    var begun: Value? { step("NodeResizeInProgress") }

    /// The driver says that it cannot be: it is not asked again until the claim asks for something else.
    var infeasible: Value? { step("NodeResizeInfeasible") }

    private func step(_ name: String) -> Value? {
        let present = claim.status.allocatedResourceStatuses[Self.resource]
        guard present != nil, present != name else { return nil }
        return ["status": ["allocatedResourceStatuses": [Self.resource: .string(name)]]]
    }

    /// It is as large as its volume.
    var done: Value {
        var status: Value = [
            "capacity": [Self.resource: .string(volume.spec.capacity[Self.resource] ?? "")],
            "conditions": .array(claim.status.conditions.filter { !Self.conditions.contains($0.type) }.map(\.value)),
        ]
        if claim.status.allocatedResourceStatuses[Self.resource] != nil {
            status["allocatedResourceStatuses"] = [Self.resource: .null]
        }
        return ["status": status]
    }

    private static func quantity(_ text: String?) -> Quantity? { text.flatMap { try? Quantity($0) } }
}
