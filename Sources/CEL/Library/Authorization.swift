/// What `authorizer.group("apps").resource("deployments").check("create").allowed()` asks.
public struct CELAuthorizationQuery: Hashable, Sendable {
    public var verb = ""
    /// Of a request that is for no resource.
    public var path: String?
    public var group = ""
    public var resource = ""
    public var subresource = ""
    public var namespace = ""
    public var name = ""
    public var fieldSelector: String?
    public var labelSelector: String?
    /// Asks for a service account instead of the one who sends the request: namespace and name.
    public var serviceAccount: ServiceAccount?

    public struct ServiceAccount: Hashable, Sendable {
        public let namespace: String
        public let name: String
    }

    public init() {}
}

/// The answer of an authorizer.
public struct CELAuthorizationDecision: Hashable, Sendable {
    public var isAllowed: Bool
    public var reason: String
    /// Why the authorizer could not decide.
    public var error: String?

    public init(isAllowed: Bool, reason: String = "", error: String? = nil) {
        self.isAllowed = isAllowed
        self.reason = reason
        self.error = error
    }
}

/// What stands behind the variable `authorizer`. Callers implement it.
public protocol CELAuthorizer: Sendable {
    /// Whether the user of the request may do something.
    func decide(_ query: CELAuthorizationQuery) -> CELAuthorizationDecision
}

extension CELValue {
    /// The value of the variable `authorizer`.
    public static func authorizer(_ authorizer: any CELAuthorizer) -> CELValue {
        .opaque(AuthorizationStep(stage: .authorizer, authorizer: authorizer, query: CELAuthorizationQuery()))
    }

    /// The value of `authorizer.requestResource`: the resource of the request, as `query` names it.
    public static func authorizer(_ authorizer: any CELAuthorizer, resource query: CELAuthorizationQuery) -> CELValue {
        .opaque(AuthorizationStep(stage: .resource, authorizer: authorizer, query: query))
    }
}

extension CELType {
    /// The type of the variable `authorizer`.
    public static let authorizer = CELType.opaque("kubernetes.authorization.Authorizer")
    /// The type of the variable `authorizer.requestResource`.
    public static let authorizedResource = CELType.opaque("kubernetes.authorization.ResourceCheck")
}

/// A question to an authorizer that is being put together.
private struct AuthorizationStep: CELOpaque {
    enum Stage: String {
        case authorizer = "Authorizer"
        case path = "PathCheck"
        case group = "GroupCheck"
        case resource = "ResourceCheck"
    }

    var stage: Stage
    let authorizer: any CELAuthorizer
    var query: CELAuthorizationQuery

    var typeName: String { "kubernetes.authorization." + stage.rawValue }
    func isEqual(to other: any CELOpaque) -> Bool {
        guard let other = other as? AuthorizationStep else { return false }
        return stage == other.stage && query == other.query
    }
}

private struct Decision: CELOpaque, Equatable {
    let decision: CELAuthorizationDecision
    var typeName: String { "kubernetes.authorization.Decision" }
}

extension CELLibrary {
    private static let prefix = "kubernetes.authorization."

    static let authorization: [CELFunction] = [
        step("serviceAccount", "Authorizer.(string, string) \(prefix)Authorizer", at: .authorizer) {
            step, texts throws(CELError) in
            step.query.serviceAccount = .init(namespace: texts[0], name: texts[1])
        },
        step("path", "Authorizer.(string) \(prefix)PathCheck", at: .authorizer) { step, texts throws(CELError) in
            guard !texts[0].isEmpty else { throw CELError("path must not be empty") }
            step.stage = .path
            step.query.path = texts[0]
        },
        step("group", "Authorizer.(string) \(prefix)GroupCheck", at: .authorizer) { step, texts throws(CELError) in
            step.stage = .group
            step.query.group = texts[0]
        },
        step("resource", "GroupCheck.(string) \(prefix)ResourceCheck", at: .group) { step, texts throws(CELError) in
            step.stage = .resource
            step.query.resource = texts[0]
        },
        refine("subresource") { $0.subresource = $1 },
        refine("namespace") { $0.namespace = $1 },
        refine("name") { $0.name = $1 },
        refine("fieldSelector", cost: .selector) { $0.fieldSelector = $1 },
        refine("labelSelector", cost: .selector) { $0.labelSelector = $1 },
        CELFunction(
            "check", "\(prefix)PathCheck.(string) \(prefix)Decision",
            "\(prefix)ResourceCheck.(string) \(prefix)Decision", cost: .fixed(350_000)
        ) { arguments throws(CELError) in
            guard case .opaque(let step as AuthorizationStep) = arguments[0], case .string(let verb) = arguments[1]
            else { throw .noSuchOverload }
            var query = step.query
            query.verb = verb
            return .opaque(Decision(decision: step.authorizer.decide(query)))
        },
        answer("allowed", "bool") { .bool($0.isAllowed) },
        answer("reason", "string") { .string($0.reason) },
        answer("errored", "bool") { .bool($0.error != nil) },
        answer("error", "string") { .string($0.error ?? "") },
    ]

    private static func step(
        _ name: String, _ signature: String, at stage: AuthorizationStep.Stage,
        _ change: @escaping @Sendable (inout AuthorizationStep, [String]) throws(CELError) -> Void
    ) -> CELFunction {
        CELFunction(name, prefix + signature) { arguments throws(CELError) in
            guard case .opaque(var step as AuthorizationStep) = arguments[0], step.stage == stage else {
                throw .noSuchOverload
            }
            let texts = arguments.dropFirst().compactMap(\.string)
            guard texts.count == arguments.count - 1 else { throw .noSuchOverload }
            try change(&step, texts)
            return .opaque(step)
        }
    }

    private static func refine(
        _ name: String, cost: CallCost = .one,
        _ change: @escaping @Sendable (inout CELAuthorizationQuery, String) -> Void
    ) -> CELFunction {
        CELFunction(name, "\(prefix)ResourceCheck.(string) \(prefix)ResourceCheck", cost: cost) {
            arguments throws(CELError) in
            guard case .opaque(var step as AuthorizationStep) = arguments[0], step.stage == .resource,
                case .string(let text) = arguments[1]
            else { throw .noSuchOverload }
            change(&step.query, text)
            return .opaque(step)
        }
    }

    private static func answer(
        _ name: String, _ type: String, _ read: @escaping @Sendable (CELAuthorizationDecision) -> CELValue
    ) -> CELFunction {
        CELFunction(name, "\(prefix)Decision.() \(type)") { arguments throws(CELError) in
            guard case .opaque(let decision as Decision) = arguments[0] else { throw .noSuchOverload }
            return read(decision.decision)
        }
    }
}
