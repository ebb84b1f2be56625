import APIMachinery

/// A server outside that converts custom resources between their versions (`ConversionReview`, Kubernetes documentation,
/// "Webhook conversion").
struct ConversionWebhook: Sendable {
    private static let timeout: Duration = .seconds(30)
    private static let reviewVersion = "v1"

    let caller: any WebhookCaller
    private let target: WebhookTarget

    /// `nil` when the configuration names no server.
    init?(_ webhook: Value, caller: any WebhookCaller) {
        guard let target = WebhookTarget(webhook["clientConfig"] ?? .emptyObject) else { return nil }
        self.target = target
        self.caller = caller
    }

    /// The objects in the version of `kind`, in the same order. Their metadata stays, but for labels and annotations.
    func convert(_ objects: [Value], to kind: GroupVersionKind) async throws(Status) -> [Value] {
        guard !objects.isEmpty else { return [] }
        let source = objects[0]["apiVersion"]?.string ?? ""
        let name = GroupVersionKind(apiVersion: source, kind: kind.kind)
        var random = SystemRandomNumberGenerator()
        let uid = GeneratedName.uuid(using: &random)
        let review: Value = [
            "apiVersion": .string("apiextensions.k8s.io/" + Self.reviewVersion), "kind": "ConversionReview",
            "request": [
                "uid": .string(uid), "desiredAPIVersion": .string(kind.apiVersion), "objects": .array(objects),
            ],
        ]
        let answer: Value
        do throws(WebhookFailure) {
            answer = try await caller.call(WebhookCall(target: target, body: review, timeout: Self.timeout))
        } catch {
            throw .conversionFailed(name, error.description)
        }
        let response = answer["response"] ?? .emptyObject
        guard response["uid"]?.string == uid else {
            throw .conversionFailed(
                name, "expected response.uid=\"\(uid)\", got \"\(response["uid"]?.string ?? "")\"")
        }
        guard response.at("result", "status") == "Success" else {
            throw .conversionFailed(name, response.at("result", "message")?.string ?? "")
        }
        let converted = response["convertedObjects"]?.array ?? []
        guard converted.count == objects.count else {
            throw .conversionFailed(
                name, "expected \(objects.count) converted objects, got \(converted.count)")
        }
        var result: [Value] = []
        for (index, (original, value)) in zip(objects, converted).enumerated() {
            do throws(Mismatch) {
                result.append(try Self.check(value, original, kind, index))
            } catch {
                throw .conversionFailed(name, error.why)
            }
        }
        return result
    }

    private struct Mismatch: Error {
        var why: String
    }

    /// What came back, with the metadata that went.
    private static func check(
        _ converted: Value, _ original: Value, _ kind: GroupVersionKind, _ index: Int
    ) throws(Mismatch) -> Value {
        let start = "invalid converted object at index \(index): "
        guard converted["apiVersion"]?.string == kind.apiVersion else {
            throw Mismatch(
                why: start + "invalid apiVersion: expected=\(kind.apiVersion) "
                    + "got=\(converted["apiVersion"]?.string ?? "")")
        }
        guard converted["kind"] == original["kind"] else {
            throw Mismatch(
                why: start + "invalid kind: expected=\(original["kind"]?.string ?? "") "
                    + "got=\(converted["kind"]?.string ?? "")")
        }
        guard let metadata = converted["metadata"], metadata.fields != nil else {
            throw Mismatch(why: start + "missing metadata in converted object")
        }
        for key in ["name", "namespace", "uid"] where metadata[key] != original.at("metadata", key) {
            throw Mismatch(
                why: start + "must not change metadata.\(key)")
        }
        var result = converted
        var kept = original["metadata"] ?? .emptyObject
        kept["labels"] = metadata["labels"]
        kept["annotations"] = metadata["annotations"]
        result["metadata"] = kept
        return result
    }
}

extension Status {
    /// The 500 answer to a request for an object that cannot be brought into the version asked for.
    static func conversionFailed(_ kind: GroupVersionKind, _ why: String) -> Status {
        .internalError("conversion webhook for \(kind) failed: \(why)")
    }
}
