import APIMachinery
import Support

/// Asks the webhooks of `MutatingWebhookConfiguration`s, one after the other, each with what the one before made of the
/// object (Kubernetes documentation, "Dynamic Admission Control").
struct MutatingWebhooks: MutatingAdmission {
    let webhooks: LiveWebhooks
    let inquiry: WebhookInquiry

    var name: String { "MutatingAdmissionWebhook" }

    func concerns(_ resource: GroupVersionResource) -> Bool { !resource.configuresAdmission }

    func admit(_ request: inout AdmissionRequest) async throws(Status) {
        let webhooks = webhooks.present
        guard !webhooks.isEmpty else { return }
        request.reinvocation.begin(with: request.object)
        for (index, webhook) in webhooks.enumerated() where request.reinvocation.asks(webhook) {
            guard let face = try await inquiry.face(of: request, for: webhook) else { continue }
            let start = ContinuousClock.now
            let round = "round_\(request.reinvocation.isSecondRound ? 1 : 0)_index_\(index)"
            do throws(WebhookInquiry.Refusal) {
                let hasChanged = try await ask(webhook, &request, as: face)
                inquiry.count(webhook, request, since: start)
                request.reinvocation.note(webhook, hasChanged: hasChanged)
                note(webhook, request, round, hasChanged: hasChanged)
            } catch {
                request.reinvocation.note(webhook, hasChanged: false)
                note(webhook, request, round, hasChanged: false)
                if let status = inquiry.settle(error, webhook, request, since: start) { throw status }
                request.notes.annotate("failed-open.mutating.webhook.admission.k8s.io/\(round)", webhook.name)
            }
        }
        request.reinvocation.end(with: request.object)
    }

    /// Returns whether the webhook changed the object.
    private func ask(
        _ webhook: AdmissionWebhook, _ request: inout AdmissionRequest, as face: AdmissionReview.Face
    ) async throws(WebhookInquiry.Refusal) -> Bool {
        let answer = try await inquiry.ask(webhook, request, as: face)
        guard !answer.patch.isEmpty else { return false }
        do throws(Status) {
            guard var patched = try Self.apply(answer.patch, to: face.object, by: webhook) else { return false }
            if let problem = AdmissionReview.Face.takeOwners(from: &patched, shown: face.object) {
                request.notes.warn(
                    ".metadata.managedFields was in an invalid state after admission; this could be caused by an outdated "
                        + "mutating admission controller; please fix your requests: " + problem)
            }
            let object =
                request.operation == .connect
                ? patched
                : try await inquiry.versions.read(
                    patched, as: face.resource, subresource: request.subresource, for: request.resource)
            try Self.checkIdentity(object, of: request)
            defer { request.object = object }
            return object != request.object
        } catch {
            throw .impossible(error)
        }
    }

    /// The patched object; `nil` for a patch without operations.
    private static func apply(
        _ patch: [UInt8], to object: Value?, by webhook: AdmissionWebhook
    ) throws(Status) -> Value? {
        let document: Value
        do throws(JSONError) {
            document = try Value(json: patch)
        } catch {
            throw .internalError("the patch of the webhook \(GoText.quoted(webhook.name)) is not JSON: \(error)")
        }
        if document.isNull || document.array?.isEmpty == true { return nil }
        guard let object else {
            throw .internalError(
                "admission webhook \(GoText.quoted(webhook.name)) attempted to modify the object, which is not "
                    + "supported for this operation")
        }
        do throws(PatchError) {
            return try JSONPatch(document).apply(to: object)
        } catch {
            throw .internalError("\(error)")
        }
    }

    /// A webhook may not make another object of it.
    private static func checkIdentity(_ object: Value, of request: AdmissionRequest) throws(Status) {
        guard let before = request.object?["metadata"] else { return }
        guard object.at("metadata", "namespace") == before["namespace"] else {
            throw .badRequest("the namespace of the provided object does not match the namespace sent on the request")
        }
        guard request.operation == .create || object.at("metadata", "name") == before["name"] else {
            throw .badRequest("the name of an object cannot be changed by an admission webhook")
        }
    }

    private func note(
        _ webhook: AdmissionWebhook, _ request: AdmissionRequest, _ round: String, hasChanged: Bool
    ) {
        let value: Value = [
            "configuration": .string(webhook.configuration), "webhook": .string(webhook.name),
            "mutated": .bool(hasChanged),
        ]
        request.notes.annotate("mutation.webhook.admission.k8s.io/\(round)", value.description)
    }
}

extension GroupVersionResource {
    /// Configurations of admission itself, which no webhook and no policy judges: a broken one could never be mended.
    var configuresAdmission: Bool {
        group == "admissionregistration.k8s.io"
    }
}
