import APIMachinery

/// A server outside that converts custom resources between their versions (`ConversionReview`, Kubernetes documentation,
/// "Webhook conversion").
struct ConversionWebhook: Sendable {
    private static let timeout: Duration = .seconds(30)
    /// The versions of `ConversionReview` that can be spoken.
    static let reviewVersions = ["v1", "v1beta1"]

    let caller: any WebhookCaller
    private let target: WebhookTarget
    /// The first that the webhook knows, of those that can be spoken.
    private let reviewVersion: String

    /// `nil` when the configuration names no server.
    init?(_ webhook: Value, caller: any WebhookCaller) {
        guard let target = WebhookTarget(webhook["clientConfig"] ?? .emptyObject) else { return nil }
        self.target = target
        self.caller = caller
        let known = (webhook["conversionReviewVersions"]?.array ?? []).compactMap(\.string)
        reviewVersion = known.first(where: Self.reviewVersions.contains) ?? Self.reviewVersions[0]
    }

    /// The objects in the version of `kind`, in the same order. Their metadata stays, but for labels and annotations.
    func convert(_ objects: [Value], to kind: GroupVersionKind) async throws(Status) -> [Value] {
        guard let first = objects.first else { return [] }
        let source = GroupVersionKind(apiVersion: first["apiVersion"]?.string ?? "", kind: kind.kind)
        do throws(Failure) {
            let converted = try await ask(objects, kind)
            guard converted.count == objects.count else {
                throw .returned("\(converted.count) objects, expected \(objects.count)")
            }
            var result: [Value] = []
            for (index, (original, value)) in zip(objects, converted).enumerated() {
                result.append(try Self.check(value, original, kind, index))
            }
            return result
        } catch {
            throw .internalError("conversion webhook for \(source) \(error.why)")
        }
    }

    /// What came of a call, as it continues "conversion webhook for ...".
    private struct Failure: Error {
        var why: String

        static func failed(_ why: String) -> Failure { Failure(why: "failed: " + why) }
        static func returned(_ what: String) -> Failure { Failure(why: "returned " + what) }
    }

    private func ask(_ objects: [Value], _ kind: GroupVersionKind) async throws(Failure) -> [Value] {
        var random = SystemRandomNumberGenerator()
        let uid = GeneratedName.uuid(using: &random)
        let review: Value = [
            "apiVersion": .string("apiextensions.k8s.io/" + reviewVersion), "kind": "ConversionReview",
            "request": [
                "uid": .string(uid), "desiredAPIVersion": .string(kind.apiVersion), "objects": .array(objects),
            ],
        ]
        let answer: Value
        do throws(WebhookFailure) {
            answer = try await caller.call(WebhookCall(target: target, body: review, timeout: Self.timeout))
        } catch {
            throw .failed(error.description)
        }
        let response = answer["response"] ?? .emptyObject
        if reviewVersion == "v1" { try checkReview(answer, uid) }
        guard response.at("result", "status") == "Success" else {
            throw .failed(response.at("result", "message")?.string ?? "")
        }
        return response["convertedObjects"]?.array ?? []
    }

    /// The older version of the review left these to chance.
    private func checkReview(_ answer: Value, _ uid: String) throws(Failure) {
        let kind = "apiextensions.k8s.io/\(reviewVersion), Kind=ConversionReview"
        let given = GroupVersionKind(
            apiVersion: answer["apiVersion"]?.string ?? "", kind: answer["kind"]?.string ?? "")
        guard given.description == kind else {
            throw .failed("expected webhook response of \(kind), got \(given)")
        }
        let echoed = answer.at("response", "uid")?.string ?? ""
        guard echoed == uid else { throw .failed("expected response.uid=\"\(uid)\", got \"\(echoed)\"") }
    }

    /// What came back, with the metadata that went.
    private static func check(
        _ converted: Value, _ original: Value, _ kind: GroupVersionKind, _ index: Int
    ) throws(Failure) -> Value {
        func invalid(_ why: String) -> Failure { .returned("invalid converted object at index \(index): \(why)") }
        func demand(_ expected: Value?, _ received: Value?, _ name: String) throws(Failure) {
            guard expected?.string ?? "" != received?.string ?? "" else { return }
            throw invalid("invalid \(name) (expected \(expected?.string ?? ""), received \(received?.string ?? ""))")
        }
        try demand(.string(kind.apiVersion), converted["apiVersion"], "groupVersion")
        try demand(original["kind"], converted["kind"], "kind")
        guard let metadata = converted["metadata"], metadata.fields != nil else {
            throw invalid("metadata of type object expected")
        }
        for (key, name) in [("name", "name"), ("namespace", "namespace"), ("uid", "UID")] {
            let (old, new) = (original.at("metadata", key)?.string ?? "", metadata[key]?.string ?? "")
            guard old == new else { throw invalid("must have the same \(name): \(old) != \(new)") }
        }
        var result = converted
        var kept = original["metadata"] ?? .emptyObject
        kept["labels"] = metadata["labels"]
        kept["annotations"] = metadata["annotations"]
        result["metadata"] = kept
        return result
    }
}
