import API
import APIMachinery
import Client

/// Keeps pods and claims within the limits of their namespace, and completes containers that say none (Kubernetes
/// documentation, "LimitRanger").
struct LimitRanger: MutatingAdmission, ValidatingAdmission {
    let ranges: any ObjectSet

    func concerns(_ resource: GroupVersionResource) -> Bool {
        resource == .pods || resource == .persistentVolumeClaims
    }

    func admit(_ request: inout AdmissionRequest) {
        // Containers do not change after creation, but for their resources, which whoever resizes has to say.
        guard request.operation == .create, request.isMain(.pods), var pod = request.object else { return }
        let ranges = ranges.list(namespace: request.namespace)
        guard !ranges.isEmpty else { return }
        for range in ranges { LimitRangeRules(range.value).complete(&pod) }
        request.object = pod
    }

    func validate(_ request: AdmissionRequest) throws(Status) {
        guard Self.isJudged(request), let object = request.object else { return }
        for range in ranges.list(namespace: request.namespace) {
            let rules = LimitRangeRules(range.value)
            let found =
                request.resource == .pods ? rules.violations(pod: object) : rules.violations(claim: object)
            guard !found.isEmpty else { continue }
            throw request.forbidden(found.count == 1 ? found[0] : "[" + found.joined(separator: ", ") + "]")
        }
    }

    private static func isJudged(_ request: AdmissionRequest) -> Bool {
        // What is on its way out may be changed as it is.
        guard request.oldObject?.at("metadata", "deletionTimestamp") == nil else { return false }
        switch (request.resource, request.operation, request.subresource) {
        case (.pods, .create, nil), (.pods, .update, "resize"): return true
        case (.persistentVolumeClaims, .create, nil), (.persistentVolumeClaims, .update, nil): return true
        default: return false
        }
    }
}
