import APIMachinery
import Support

/// The question to an admission webhook, and its answer (`admission.k8s.io`). Pure.
enum AdmissionReview {
    /// Versions differ in how strictly an answer is read.
    enum Version: String, Sendable {
        case v1, v1beta1

        var apiVersion: String { "admission.k8s.io/" + rawValue }
    }

    /// As what a request is shown: in the version that a webhook's rule names.
    struct Face: Sendable {
        var resource: GroupVersionResource
        var kind: GroupVersionKind
        var object: Value?
        var oldObject: Value?

        /// With the owners of its objects' fields, as clients see objects.
        func showing(_ owners: ManagedFieldsRecord, _ oldOwners: ManagedFieldsRecord) -> Face {
            var face = self
            if !owners.isEmpty { face.object?[path: Self.ownersPath] = owners.value }
            if !oldOwners.isEmpty { face.oldObject?[path: Self.ownersPath] = oldOwners.value }
            return face
        }

        /// Takes them out again: what webhooks say of owners does not count. Returns what is wrong with owners that a
        /// webhook changed.
        static func takeOwners(from object: inout Value, shown: Value?) -> String? {
            guard let owners = object[path: ownersPath] else { return nil }
            object[path: ownersPath] = nil
            guard owners != shown?[path: ownersPath] else { return nil }
            do throws(ManagedFieldsError) {
                _ = try ManagedFields(owners)
                return nil
            } catch {
                return error.description
            }
        }

        private static let ownersPath = ["metadata", "managedFields"]
    }

    /// The question.
    static func question(_ request: AdmissionRequest, as face: Face, uid: String, _ version: Version) -> Value {
        var question = expressionRequest(request, as: face)
        question["uid"] = .string(uid)
        question["object"] = face.object ?? .null
        question["oldObject"] = face.oldObject ?? .null
        return ["kind": "AdmissionReview", "apiVersion": .string(version.apiVersion), "request": question]
    }

    /// The part of the question that expressions see as `request`.
    static func expressionRequest(_ request: AdmissionRequest, as face: Face) -> Value {
        let subresource = request.subresource ?? ""
        var question: Value = [
            "kind": value(face.kind), "resource": value(face.resource), "requestKind": value(request.requestKind),
            "requestResource": value(request.requestResource), "operation": .string(request.operation.rawValue),
            "userInfo": userInfo(request.user), "dryRun": .bool(request.isDryRun), "options": request.options ?? .null,
        ]
        for (key, text) in [
            ("subResource", subresource), ("requestSubResource", subresource), ("name", request.name),
            ("namespace", request.subject.namespace),
        ] where !text.isEmpty {
            question[key] = .string(text)
        }
        return question
    }

    private static func value(_ kind: GroupVersionKind) -> Value {
        ["group": .string(kind.group), "version": .string(kind.version), "kind": .string(kind.kind)]
    }

    private static func value(_ resource: GroupVersionResource) -> Value {
        [
            "group": .string(resource.group), "version": .string(resource.version),
            "resource": .string(resource.resource),
        ]
    }

    private static func userInfo(_ user: User) -> Value {
        var info = Value.emptyObject
        if !user.name.isEmpty { info["username"] = .string(user.name) }
        if !user.uid.isEmpty { info["uid"] = .string(user.uid) }
        if !user.groups.isEmpty { info["groups"] = Value(user.groups) }
        if !user.extra.isEmpty {
            info["extra"] = .object(Fields(user.extra.sorted { $0.key < $1.key }.map { ($0.key, Value($0.value)) }))
        }
        return info
    }

    /// An answer, read and found in order.
    struct Answer: Sendable {
        var isAllowed: Bool
        /// Why not, as the webhook says.
        var status: Value?
        /// A JSON patch, as bytes.
        var patch: [UInt8]
        var warnings: [String]
        var auditAnnotations: [String: String]
    }

    /// Why an answer cannot be used, in Kubernetes' words.
    struct Malformed: Error, Hashable, CustomStringConvertible {
        var description: String
    }

    /// Reads the answer to the question with this uid.
    static func answer(
        _ review: Value, to uid: String, _ version: Version, _ kind: AdmissionWebhook.Kind
    ) throws(Malformed) -> Answer {
        guard let response = review["response"], response.fields != nil else {
            throw Malformed(description: "webhook response was absent")
        }
        let patch = try patch(response)
        if version == .v1 { try checkStrictly(review, response, uid, hasPatch: !patch.isEmpty, kind) }
        return Answer(
            isAllowed: response["allowed"]?.bool ?? false,
            status: response["status"].flatMap { $0.isNull ? nil : $0 }, patch: kind == .mutating ? patch : [],
            warnings: (response["warnings"]?.array ?? []).compactMap(\.string),
            auditAnnotations: response["auditAnnotations"]?.strings ?? [:])
    }

    private static func patch(_ response: Value) throws(Malformed) -> [UInt8] {
        guard let text = response["patch"]?.string, !text.isEmpty else { return [] }
        guard let bytes = Base64.decode(text) else {
            throw Malformed(description: "webhook returned a response.patch that is not Base64")
        }
        return bytes
    }

    /// What version 1 asks of an answer beyond what the first beta did.
    private static func checkStrictly(
        _ review: Value, _ response: Value, _ uid: String, hasPatch: Bool, _ kind: AdmissionWebhook.Kind
    ) throws(Malformed) {
        let given = response["uid"]?.string ?? ""
        guard given == uid else {
            throw Malformed(
                description: "expected response.uid=\(GoText.quoted(uid)), got \(GoText.quoted(given))")
        }
        let expected = GroupVersionKind(apiVersion: Version.v1.apiVersion, kind: "AdmissionReview")
        let found = GroupVersionKind(
            apiVersion: review["apiVersion"]?.string ?? "", kind: review["kind"]?.string ?? "")
        guard found == expected else {
            throw Malformed(description: "expected webhook response of \(expected), got \(found)")
        }
        let type = response["patchType"].flatMap { $0.isNull ? nil : $0.string }
        guard kind == .mutating else {
            if hasPatch { throw Malformed(description: "validating webhook may not return response.patch") }
            if type != nil { throw Malformed(description: "validating webhook may not return response.patchType") }
            return
        }
        switch (hasPatch, type) {
        case (true, nil):
            throw Malformed(description: "webhook returned response.patch but not response.patchType")
        case (false, .some):
            throw Malformed(description: "webhook returned response.patchType but not response.patch")
        case (true, let type?) where type != "JSONPatch":
            throw Malformed(
                description: type.isEmpty
                    ? "webhook returned invalid response.patchType of \"\"" : "unsupported patch type \(GoText.quoted(type))")
        default: break
        }
    }

    /// The answer to the client of a request that a webhook denies: what the webhook says, and never a success.
    static func denial(by webhook: String, _ told: Value?) -> Status {
        var body = told ?? .emptyObject
        // The type need not be said here.
        body["kind"] = "Status"
        var status = Status(body) ?? Status(code: 400, reason: .unknown, message: "")
        status.code = min(max(status.code, 400), 999)
        let by = "admission webhook \(GoText.quoted(webhook)) denied the request"
        if !status.message.isEmpty {
            status.message = "\(by): \(status.message)"
        } else if status.reason != .unknown {
            status.message = "\(by): \(status.reason)"
        } else {
            status.message = "\(by) without explanation"
        }
        return status
    }
}
