import API
import APIMachinery

/// An autoscaler asks for no fewer replicas than it may, and for no more.
struct AutoscalerRule: Rule {
    func judge(_ event: Ledger.Event, _ before: PodRecord?, _ ledger: Ledger) -> String? {
        guard event.kind == "horizontalpodautoscalers", let new = event.newValue.map({ HorizontalPodAutoscaler($0) }),
            let old = event.oldValue.map({ HorizontalPodAutoscaler($0) }), old.metadata.uid == new.metadata.uid
        else { return nil }
        let wanted = new.status.desiredReplicas
        // None: its target rests.
        guard wanted != old.status.desiredReplicas, wanted != 0 else { return nil }
        let (least, most) = (new.spec.minReplicas ?? 1, new.spec.maxReplicas)
        return (least...max(least, most)).contains(wanted)
            ? nil : "asks for \(wanted) replicas, and may for \(least) to \(most)"
    }
}
