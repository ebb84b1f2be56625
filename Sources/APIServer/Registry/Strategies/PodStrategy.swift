import API
import APIMachinery
import Client

/// What is particular to pods: they begin Pending, their quality of service is computed once, and their deletion gives
/// their containers time.
struct PodStrategy: ResourceStrategy {
    func prepareForCreate(_ object: inout Value, _ request: WriteRequest) {
        let quality = PodQuality.of(spec: object["spec"] ?? .emptyObject)
        object["status"] = ["phase": "Pending", "qosClass": .string(quality)]
        LabelKeyMerge.apply(to: &object)
        Self.dropClosedSources(&object)
        for text in AppArmorAnnotation.apply(to: &object) { request.notes.warn(text) }
        guard !(object.at("spec", "schedulingGates")?.array ?? []).isEmpty else { return }
        // KEP-3521: who looks at the pod sees why no scheduler does.
        object[path: ["status", "conditions"]] = [
            [
                "type": "PodScheduled", "status": "False", "reason": "SchedulingGated",
                "message": "Scheduling is blocked due to non-empty scheduling gates",
            ]
        ]
    }

    func prepareForUpdate(_ object: inout Value, over current: Value, _ request: WriteRequest) {
        // The class follows from the containers, which do not change class by an update: to leave it out is to keep it.
        let path = ["status", "qosClass"]
        if (object[path: path]?.string ?? "").isEmpty { object[path: path] = current[path: path] }
    }

    func gracePeriod(for object: Value, _ options: DeletionOptions) -> Int {
        let phase = object.at("status", "phase")?.string
        // A pod that no node knows, or that has ended, has nothing to wait for.
        if (object.at("spec", "nodeName")?.string ?? "").isEmpty || phase == "Succeeded" || phase == "Failed" { return 0 }
        if let asked = options.gracePeriodSeconds { return max(asked, 0) }
        return Int(object.at("spec", "terminationGracePeriodSeconds")?.integer ?? 30)
    }

    /// Sources of projected volumes behind feature gates that Kubernetes keeps closed
    /// (`ClusterTrustBundleProjection`, `PodCertificateRequest`): what is given for them is dropped, and the pod
    /// runs without.
    private static let closedSources = ["clusterTrustBundle", "podCertificate"]

    static func dropClosedSources(_ object: inout Value) {
        guard let volumes = object.at("spec", "volumes")?.array else { return }
        let isGiven = volumes.contains { volume in
            (volume.at("projected", "sources")?.array ?? []).contains { source in
                closedSources.contains { source[$0] != nil }
            }
        }
        guard isGiven else { return }
        object[path: ["spec", "volumes"]] = .array(
            volumes.map { volume in
                guard let sources = volume.at("projected", "sources")?.array else { return volume }
                var kept = volume
                kept[path: ["projected", "sources"]] = .array(
                    sources.map { source in
                        var open = source
                        for name in closedSources { open[name] = nil }
                        return open
                    })
                return kept
            })
    }
}
