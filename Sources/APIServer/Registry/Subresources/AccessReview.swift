import APIMachinery
import Client

/// May this user do that? (`authorization.k8s.io/v1`)
struct AccessReview: ResourceAction {
    /// Whom a review may ask about.
    enum Scope: Hashable, Sendable {
        /// Anybody, anywhere: `SubjectAccessReview`.
        case anybody
        /// Anybody, in the namespace of the review: `LocalSubjectAccessReview`.
        case namespace
        /// Who asks: `SelfSubjectAccessReview`.
        case oneself
    }

    let authorizer: any Authorizer
    let scope: Scope

    func perform(_ call: Verbs.Call, _ body: Value, _ api: Verbs) async throws(Status) -> Value {
        let namespace = body.at("metadata", "namespace")?.string ?? ""
        if scope == .namespace, namespace != call.target.namespace {
            throw .badRequest("namespace must match the namespace of the request: \(call.target.namespace)")
        }
        let errors = Self.problems(body, scope)
        guard errors.isEmpty else {
            throw .invalid(
                GroupVersionKind(apiVersion: "authorization.k8s.io/v1", kind: body["kind"]?.string ?? ""), "", errors)
        }
        let spec = body["spec"] ?? .emptyObject
        let access = Self.access(scope == .oneself ? call.user : Self.user(in: spec), spec)
        var answer = body
        answer["status"] = Self.status(await authorizer.ask(access), problems: access.selectors.problems)
        return answer
    }

    // MARK: What is asked

    /// What is wrong with a review. Pure.
    static func problems(_ body: Value, _ scope: Scope) -> [FieldError] {
        let spec = body["spec"] ?? .emptyObject
        var errors: [FieldError] = []
        switch (spec["resourceAttributes"], spec["nonResourceAttributes"]) {
        case (nil, nil):
            errors.append(
                .invalid(
                    "spec.resourceAttributes", value: .null,
                    "exactly one of nonResourceAttributes or resourceAttributes must be specified"))
        case (_?, let path?):
            errors.append(
                .invalid(
                    "spec.nonResourceAttributes", value: path,
                    "cannot be specified in combination with resourceAttributes"))
        case (let resource?, nil): errors += SelectorChecks.problems(resource, "spec.resourceAttributes")
        case (nil, _?): break
        }
        if scope != .oneself, (spec["user"]?.string ?? "").isEmpty, (spec["groups"]?.array ?? []).isEmpty {
            errors.append(.invalid("spec.user", value: "", "at least one of user or group must be specified"))
        }
        var metadata = (body["metadata"]?.fields ?? Fields()).filter { !$0.value.isNull && $0.key != "managedFields" }
        if scope == .namespace { metadata.removeAll { $0.key == "namespace" } }
        if !metadata.isEmpty {
            let detail = scope == .namespace ? "must be empty except for namespace" : "must be empty"
            errors.append(.invalid("metadata", value: body["metadata"] ?? .null, detail))
        }
        return scope == .namespace ? errors + localProblems(body, spec) : errors
    }

    private static func localProblems(_ body: Value, _ spec: Value) -> [FieldError] {
        var errors: [FieldError] = []
        let namespace = body.at("metadata", "namespace")?.string ?? ""
        if let resource = spec["resourceAttributes"] {
            let asked = resource["namespace"]?.string ?? ""
            if asked != namespace {
                errors.append(
                    .invalid(
                        "spec.resourceAttributes.namespace", value: .string(asked), "must match metadata.namespace"))
            }
        }
        if let path = spec["nonResourceAttributes"] {
            errors.append(.invalid("spec.nonResourceAttributes", value: path, "disallowed on this kind of request"))
        }
        return errors
    }

    /// Whom the review is about.
    private static func user(in spec: Value) -> User {
        var extra: [String: [String]] = [:]
        for (key, values) in spec["extra"]?.fields ?? Fields() { extra[key] = (values.array ?? []).compactMap(\.string) }
        return User(
            name: spec["user"]?.string ?? "", uid: spec["uid"]?.string ?? "",
            groups: (spec["groups"]?.array ?? []).compactMap(\.string), extra: extra)
    }

    private static func access(_ user: User, _ spec: Value) -> AccessRequest {
        if let path = spec["nonResourceAttributes"] {
            return AccessRequest(
                user: user, RequestInfo(verb: path["verb"]?.string ?? "", path: path["path"]?.string ?? ""))
        }
        let attributes = spec["resourceAttributes"] ?? .emptyObject
        func text(_ key: String) -> String { attributes[key]?.string ?? "" }
        let resource = GroupVersionResource(group: text("group"), version: text("version"), resource: text("resource"))
        let target = Target(
            resource, namespace: text("namespace"), name: text("name"),
            subresource: text("subresource").isEmpty ? nil : text("subresource"))
        return AccessRequest(
            user: user, verb: text("verb"), target, selectors: AccessSelectors(attributes: attributes))
    }

    // MARK: The answer

    /// A `SubjectAccessReviewStatus`. Pure.
    static func status(_ decision: AccessDecision, problems: [String] = []) -> Value {
        var (status, problems): (Value, [String]) = (["allowed": false], problems)
        switch decision {
        case .allow(let reason):
            status["allowed"] = true
            if !reason.isEmpty { status["reason"] = .string(reason) }
        case .deny(let reason):
            status["denied"] = true
            if !reason.isEmpty { status["reason"] = .string(reason) }
        case .noOpinion(let reason): if !reason.isEmpty { status["reason"] = .string(reason) }
        case .failed(let why, let isDenial):
            if isDenial { status["denied"] = true }
            problems.insert(why, at: 0)
        case .pending: preconditionFailure("an authoriser that was asked must answer")
        }
        if !problems.isEmpty { status["evaluationError"] = .string(GoText.aggregate(problems)) }
        return status
    }
}
