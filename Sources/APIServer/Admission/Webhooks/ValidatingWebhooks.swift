import APIMachinery

/// Asks the webhooks of `ValidatingWebhookConfiguration`s, all at once, about the object as it will be written
/// (Kubernetes documentation, "Dynamic Admission Control").
struct ValidatingWebhooks: ValidatingAdmission {
    let webhooks: LiveWebhooks
    let inquiry: WebhookInquiry

    var name: String { "ValidatingAdmissionWebhook" }

    func concerns(_ resource: GroupVersionResource) -> Bool { !resource.configuresAdmission }

    func validate(_ request: AdmissionRequest) async throws(Status) {
        let webhooks = webhooks.present
        guard !webhooks.isEmpty else { return }
        var asked: [(index: Int, webhook: AdmissionWebhook, face: AdmissionReview.Face)] = []
        for (index, webhook) in webhooks.enumerated() {
            if let face = try await inquiry.face(of: request, for: webhook) { asked.append((index, webhook, face)) }
        }
        guard asked.count > 1 else {
            guard let only = asked.first else { return }
            if let status = await ask(only.webhook, only.index, request, as: only.face) { throw status }
            return
        }
        let refusals = await withTaskGroup(of: (Int, Status?).self) { group in
            for (index, webhook, face) in asked {
                group.addTask { (index, await ask(webhook, index, request, as: face)) }
            }
            return await group.reduce(into: [:]) { $0[$1.0] = $1.1 }
        }
        // Always the same one of several, so that clients see one reason.
        if let first = refusals.min(by: { $0.key < $1.key }) { throw first.value }
    }

    /// The answer to the client, or `nil` when the request may go on.
    private func ask(
        _ webhook: AdmissionWebhook, _ index: Int, _ request: AdmissionRequest, as face: AdmissionReview.Face
    ) async -> Status? {
        let start = ContinuousClock.now
        do throws(WebhookInquiry.Refusal) {
            _ = try await inquiry.ask(webhook, request, as: face)
            inquiry.count(webhook, request, since: start)
            return nil
        } catch {
            let status = inquiry.settle(error, webhook, request, since: start)
            if status == nil {
                request.notes.annotate(
                    "failed-open.validating.webhook.admission.k8s.io/round_0_index_\(index)", webhook.name)
            }
            return status
        }
    }
}
