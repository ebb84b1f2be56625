import APIMachinery
import Client
import Support

/// What is particular to volumes: they begin Pending, and when their phase changed last is noted here (KEP-3762).
struct PersistentVolumeStrategy: ResourceStrategy {
    let now: @Sendable () -> Timestamp

    private static let time = ["status", "lastPhaseTransitionTime"]

    func prepareForCreate(_ object: inout Value, _ request: WriteRequest) {
        object["status"] = ["phase": "Pending"]
        object[path: Self.time] = .string(now().description)
    }

    /// A client that knows nothing of the time neither loses nor stops it.
    func prepareForUpdate(_ object: inout Value, over current: Value, _ request: WriteRequest) {
        guard request.target.subresource == "status" else { return }
        let (sent, old) = (object[path: Self.time], current[path: Self.time])
        if object.at("status", "phase") == current.at("status", "phase") {
            if sent == nil { object[path: Self.time] = old }
        } else if sent == nil || sent == old {
            object[path: Self.time] = .string(now().description)
        }
    }
}

/// What is particular to claims: they begin Pending.
struct ClaimStrategy: ResourceStrategy {
    func prepareForCreate(_ object: inout Value, _ request: WriteRequest) { object["status"] = ["phase": "Pending"] }
}
