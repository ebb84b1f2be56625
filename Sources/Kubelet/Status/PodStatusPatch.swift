import API
import APIMachinery

/// What must be written so that the API knows what the kubelet knows.
enum PodStatusPatch {
    /// The fields of the status that are the kubelet's; what others wrote into the rest stays.
    private static let fields = [
        "observedGeneration", "phase", "message", "reason", "hostIP", "hostIPs", "podIP", "podIPs",
        "startTime",
        "initContainerStatuses", "containerStatuses", "ephemeralContainerStatuses", "qosClass",
        "allocatedResources", "resources",
    ]
    private static let conditions: Set<String> = [
        "PodReadyToStartContainers", "Initialized", "Ready", "ContainersReady", "PodScheduled",
        "PodResizePending", "PodResizeInProgress", "DisruptionTarget",
        "AllContainersRestarting",
    ]

    /// A strategic merge patch from what the API has to `wanted`; `nil` when there is nothing to say. It
    /// names the pod's uid, so that it never meets another pod of the same name.
    static func make(from present: Pod, to wanted: PodStatus) -> Value? {
        let told = present.status
        var changes = Value.emptyObject
        for field in fields {
            let (old, new) = (told.value[field], wanted.value[field])
            guard old != new else { continue }
            // These lists merge by their addresses: an address that is no more must go.
            let isMerged = field == "podIPs" || field == "hostIPs"
            if isMerged, let list = new?.array, old != nil {
                changes[field] = .array([["$patch": "replace"]] + list)
            } else {
                changes[field] = replacement(of: old, by: new)
            }
        }
        let known = Dictionary(told.conditions.map { ($0.type, $0) }) { first, _ in first }
        let changed = wanted.conditions.filter { conditions.contains($0.type) && known[$0.type] != $0 }
        let wantedTypes = Set(wanted.conditions.map(\.type))
        let over = PodConditions.Resize.types.sorted().filter { known[$0] != nil && !wantedTypes.contains($0) }
        let removals: [Value] = over.map { ["type": .string($0), "$patch": "delete"] }
        if !changed.isEmpty || !over.isEmpty {
            changes["conditions"] = .array(changed.map(Self.whole) + removals)
        }
        guard changes != .emptyObject else { return nil }
        return ["metadata": ["uid": .string(present.metadata.uid)], "status": changes]
    }

    /// Objects merge by their fields: what is there no more must be said.
    private static func replacement(of old: Value?, by new: Value?) -> Value {
        guard let new else { return .null }
        guard let before = old?.fields, new.fields != nil else { return new }
        var changes = new
        for (key, value) in before { changes[key] = replacement(of: value, by: new[key]) }
        return changes
    }

    /// A condition merges with the one of its type: what it has no more must be said.
    private static func whole(_ condition: PodCondition) -> Value {
        var value = condition.value
        for field in ["reason", "message"] where value[field] == nil { value[field] = .null }
        return value
    }
}
