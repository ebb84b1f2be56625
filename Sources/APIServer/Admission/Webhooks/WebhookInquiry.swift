import APIMachinery
import Client
import Support

/// Finds out whether a webhook has to do with a request, and asks it.
///
/// What both kinds of webhooks have in common; what a refusal leads to is ``settle(_:_:_:)``.
struct WebhookInquiry: Sendable {
    let caller: any WebhookCaller
    let versions: any ResourceVersions
    let namespaces: any ObjectSet
    let authorizer: any Authorizer
    let metrics: WebhookMetrics

    /// Why a webhook's consent was not had.
    enum Refusal: Error {
        /// It cannot be called, or its answer cannot be used; `code` stands for it in metrics.
        case noAnswer(String, code: Int)
        /// It said no.
        case denied(Status)
        /// The request cannot be put to it.
        case impossible(Status)
    }

    /// As what the request is shown to the webhook; `nil` when it is of no concern to it.
    func face(
        of request: AdmissionRequest, for webhook: AdmissionWebhook
    ) async throws(Status) -> AdmissionReview.Face? {
        guard let match = webhook.match else {
            throw .internalError("a selector of the webhook \(GoText.quoted(webhook.name)) cannot be read")
        }
        let subject = request.subject
        guard
            let resource = try match.match(
                subject, equivalents: { versions.equivalents(of: subject.resource) },
                namespaceLabels: { namespaces.get(ObjectName(name: $0))?.labels })
        else { return nil }
        let face = try await versions.face(of: request, as: resource)
        guard try await matches(request, as: face, webhook.conditions) else { return nil }
        return face.showing(request.owners, request.oldOwners)
    }

    private func matches(
        _ request: AdmissionRequest, as face: AdmissionReview.Face, _ conditions: MatchConditions
    ) async throws(Status) -> Bool {
        if conditions.isEmpty { return true }
        do throws(MatchConditions.Failure) {
            return try await AdmissionScope(request, as: face, authorizer: authorizer).settled(conditions.match)
        } catch {
            throw request.forbidden(error.message)
        }
    }

    /// Puts the request to the webhook. What it warns of and annotates is noted.
    func ask(
        _ webhook: AdmissionWebhook, _ request: AdmissionRequest, as face: AdmissionReview.Face
    ) async throws(Refusal) -> AdmissionReview.Answer {
        if request.isDryRun, !webhook.allowsDryRun {
            throw .impossible(
                .badRequest("admission webhook \(GoText.quoted(webhook.name)) does not support dry run"))
        }
        guard let version = webhook.version else {
            throw .noAnswer(
                "could not create admission objects: webhook does not accept known AdmissionReview versions (v1, "
                    + "v1beta1)", code: 400)
        }
        guard let target = webhook.target else {
            throw .noAnswer("could not get REST client: neither a URL nor a service is configured", code: 500)
        }
        var random = SystemRandomNumberGenerator()
        let uid = GeneratedName.uuid(using: &random)
        let question = AdmissionReview.question(request, as: face, uid: uid, version)
        let review: Value
        do throws(WebhookFailure) {
            review = try await caller.call(WebhookCall(target: target, body: question, timeout: webhook.timeout))
        } catch {
            let text = error.kind == .configuration ? "\(error)" : "failed to call webhook: \(error)"
            throw .noAnswer(text, code: error.code)
        }
        let answer: AdmissionReview.Answer
        do throws(AdmissionReview.Malformed) {
            answer = try AdmissionReview.answer(review, to: uid, version, webhook.kind)
        } catch {
            throw .noAnswer("received invalid webhook response: \(error)", code: 503)
        }
        for (key, text) in answer.auditAnnotations { request.notes.annotate("\(webhook.name)/\(key)", text) }
        for warning in answer.warnings { request.notes.warn(warning) }
        guard answer.isAllowed else { throw .denied(AdmissionReview.denial(by: webhook.name, answer.status)) }
        return answer
    }

    /// Counts a call that was answered.
    func count(_ webhook: AdmissionWebhook, _ request: AdmissionRequest, since start: ContinuousClock.Instant) {
        metrics.asked(
            webhook, request.operation, took: ContinuousClock.now - start, code: 200, isRejected: false)
    }

    /// Counts a refusal, and returns the answer to the client; `nil` when the request goes on without the webhook.
    func settle(
        _ refusal: Refusal, _ webhook: AdmissionWebhook, _ request: AdmissionRequest,
        since start: ContinuousClock.Instant
    ) -> Status? {
        let (code, type): (Int, WebhookMetrics.ErrorType) =
            switch refusal {
            case .noAnswer(_, let code): (code, .calling)
            case .denied(let status): (status.code, .none)
            case .impossible: (0, .own)
            }
        var answer: Status?
        switch refusal {
        case .denied(let status), .impossible(let status): answer = status
        case .noAnswer(let why, _):
            if !webhook.failsOpen {
                answer = .internalError("failed calling webhook \(GoText.quoted(webhook.name)): \(why)")
            }
        }
        metrics.asked(
            webhook, request.operation, took: ContinuousClock.now - start, code: code, isRejected: answer != nil)
        if answer != nil {
            metrics.rejected(webhook, request.operation, type, code: code)
        } else if Task.isCancelled {
            return .requestTimedOut
        } else {
            metrics.failedOpen(webhook)
        }
        return answer
    }
}

extension AdmissionRequest {
    /// What rules and selectors look at.
    var subject: AdmissionSubject {
        let isNamespace = requestResource.group.isEmpty && requestResource.resource == "namespaces"
        return AdmissionSubject(
            operation: operation.rawValue, resource: requestResource, subresource: subresource ?? "",
            namespace: isNamespace ? objectName : namespace, name: name, object: object, oldObject: oldObject)
    }
}

extension Status {
    /// Whoever asked has gone, or asked for an answer sooner.
    static let requestTimedOut = Status(
        code: 504, reason: .timeout, message: "Timeout: request did not complete within requested timeout")
}
