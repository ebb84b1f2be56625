import API
import APIMachinery
import Client
import Support

/// Keeps what a namespace holds within its quotas (Kubernetes documentation, "Resource Quotas").
///
/// The last of all plug-ins: what it notes down is what will be written.
struct ResourceQuotaAdmission: ValidatingAdmission {
    let ledger: QuotaLedger
    var limited = LimitedResources()
    let now: @Sendable () -> Timestamp

    var name: String { "ResourceQuota" }

    /// Events come and go by themselves, and reviews are not kept.
    private static let ignored: Set<String> = ["events", "bindings"]

    func concerns(_ resource: GroupVersionResource) -> Bool { !Self.ignored.contains(resource.resource) }

    func validate(_ request: AdmissionRequest) throws(Status) {
        guard !request.namespace.isEmpty, Self.isCharged(request), let object = request.object else { return }
        do throws(QuotaRefusal) {
            try judge(request, object)
        } catch {
            throw request.forbidden(error.description)
        }
    }

    func forget(_ request: AdmissionRequest) {
        guard !request.namespace.isEmpty else { return }
        ledger.settle(ObjectIdentifier(request.notes), in: request.namespace)
    }

    private func judge(_ request: AdmissionRequest, _ object: Value) throws(QuotaRefusal) {
        let quotas = ledger.rules(in: request.namespace)
        if request.resource == .pods {
            for quota in quotas where quota.selects(object, .pods) {
                if let complaint = QuotaDemands.complaint(about: object, limited: quota.names(for: .pods)) {
                    throw .unsaid(quota: quota.name, complaint: complaint)
                }
            }
        }
        if let refusal = limited.refusal(of: object, request.resource, under: quotas) { throw refusal }
        guard !quotas.isEmpty else { return }
        let negative = QuotaUsage.of(object, request.resource).filter { $0.value.sign < 0 }.map(\.key)
        guard negative.isEmpty else { throw .negative(names: negative) }
        let charge = QuotaLedger.Charge(
            key: ObjectIdentifier(request.notes), resource: request.resource,
            name: ObjectName(namespace: request.namespace, name: request.objectName), old: request.oldObject, new: object)
        try ledger.reserve(charge, isDryRun: request.isDryRun, at: now())
    }

    /// Whether a request may use more than before. Most kinds only count, by being created.
    private static func isCharged(_ request: AdmissionRequest) -> Bool {
        switch (request.operation, request.subresource) {
        case (.create, nil): true
        case (.update, nil): [.services, .persistentVolumeClaims, .resourceClaims].contains(request.resource)
        case (.update, "resize"): request.resource == .pods
        default: false
        }
    }
}
