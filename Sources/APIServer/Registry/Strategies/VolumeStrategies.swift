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

/// What is particular to claims: they begin Pending, and say in two fields what their volume begins with (KEP-1495).
struct ClaimStrategy: ResourceStrategy {
    func prepareForCreate(_ object: inout Value, _ request: WriteRequest) {
        object["status"] = ["phase": "Pending"]
        Self.matchSources(of: &object, over: nil)
    }

    func prepareForUpdate(_ object: inout Value, over current: Value, _ request: WriteRequest) {
        guard request.target.subresource == nil else { return }
        Self.matchSources(of: &object, over: current)
    }

    /// `dataSource` is for what it always was for, other claims and snapshots; what else is named there is passed over.
    /// Clients of old know nothing of `dataSourceRef`, so that each is made of the other.
    private static func matchSources(of claim: inout Value, over current: Value?) {
        guard var spec = claim["spec"] else { return }
        let hadOne = current?.at("spec", "dataSource") != nil || current?.at("spec", "dataSourceRef") != nil
        if !hadOne, let source = spec["dataSource"], !isClaimOrSnapshot(source) { spec["dataSource"] = nil }
        switch (spec["dataSource"], spec["dataSourceRef"]) {
        case (let source?, nil): spec["dataSourceRef"] = source
        // In another namespace there is nothing that the older field could name.
        case (nil, let reference?) where (reference["namespace"]?.string ?? "").isEmpty:
            spec["dataSource"] = reference
        default: break
        }
        claim["spec"] = spec
    }

    private static func isClaimOrSnapshot(_ source: Value) -> Bool {
        switch (source["apiGroup"]?.string ?? "", source["kind"]?.string) {
        case ("", "PersistentVolumeClaim"), ("snapshot.storage.k8s.io", "VolumeSnapshot"): true
        default: false
        }
    }
}
