import API
import APIMachinery
import Client

/// A mirror pod stands for one that a node runs anyway, from a file: what it names would be handed to that
/// node without anybody having been asked. Judged when all have had their say about the pod, and whoever
/// makes it.
extension ServiceAccountAdmission: ValidatingAdmission {
    func validate(_ request: AdmissionRequest) throws(Status) {
        guard request.resource == .pods, let pod = request.object else { return }
        let why: String?
        switch (request.subresource, request.operation) {
        case (nil, .create): why = Self.refusal(ofMirror: Pod(pod)) ?? mountable(pod, request)?.refusal(of: pod)
        case ("ephemeralcontainers", .update): why = mountable(pod, request)?.refusal(ofAdditionsTo: pod)
        default: return
        }
        if let why { throw request.forbidden(why) }
    }

    /// What holds for the Secrets of a pod, if its account says that anything does.
    private func mountable(_ pod: Value, _ request: AdmissionRequest) -> MountableSecrets? {
        guard let name = pod.at("spec", "serviceAccountName")?.string, !name.isEmpty else { return nil }
        return accounts.get(ObjectName(namespace: request.namespace, name: name)).flatMap { MountableSecrets($0.value) }
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
