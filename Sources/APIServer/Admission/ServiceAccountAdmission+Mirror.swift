import API
import APIMachinery

/// A mirror pod stands for one that a node runs anyway, from a file: what it names would be handed to that
/// node without anybody having been asked. Judged when all have had their say about the pod, and whoever
/// makes it.
extension ServiceAccountAdmission: ValidatingAdmission {
    func validate(_ request: AdmissionRequest) throws(Status) {
        guard request.operation == .create, request.isMain(.pods), let pod = request.object,
            let why = Self.refusal(ofMirror: Pod(pod))
        else { return }
        throw request.forbidden(why)
    }

    /// Why a pod must not be, if it is a mirror pod.
    static func refusal(ofMirror pod: Pod) -> String? {
        guard pod.value.at("metadata", "annotations", mirrorAnnotation) != nil else { return nil }
        if !pod.spec.serviceAccountName.isEmpty { return "a mirror pod may not reference service accounts" }
        if PodReferences.containAny("secrets", pod) { return "a mirror pod may not reference secrets" }
        let sources = pod.spec.volumes.flatMap { $0.value.at("projected", "sources")?.array ?? [] }
        guard sources.contains(where: { $0["serviceAccountToken"] != nil }) else { return nil }
        return "a mirror pod may not use ServiceAccountToken volume projections"
    }
}
