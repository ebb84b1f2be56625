import API
import APIMachinery
import CEL
import Client

/// What the variables of admission's expressions hold for one request. Made when they are asked for, once.
struct AdmissionScope: CELVariables {
    /// A variable of a policy, compiled.
    struct Variable: Sendable {
        var name: String
        var expression: AdmissionExpression
    }

    private let request: AdmissionRequest
    private let face: AdmissionReview.Face
    let authorizer: RequestAuthorizer
    /// The namespace of the object; `nil` where there is none, or where expressions may not ask for it.
    private let namespace: Value?
    /// The parameter; `nil` when the binding names none.
    private let parameter: Value?
    /// What the policy declares, each built on the ones before it.
    private let declared: [String: Variable]
    private var known: [String: CELValue] = [:]
    private var failed: [String: CELError] = [:]
    private var depth = 0

    /// Variables that ask for variables; evaluation recurses.
    private static let deepest = 50

    init(
        _ request: AdmissionRequest, as face: AdmissionReview.Face, authorizer: any Authorizer,
        namespace: Value? = nil, parameter: Value? = nil, variables: [Variable] = []
    ) {
        self.request = request
        self.face = face
        self.authorizer = RequestAuthorizer(user: request.user, authorizer: authorizer)
        self.namespace = namespace
        self.parameter = parameter
        declared = Dictionary(variables.map { ("variables." + $0.name, $0) }, uniquingKeysWith: { $1 })
    }

    mutating func value(of name: String, budget: inout CELBudget) throws(CELError) -> CELValue? {
        if let value = known[name] { return value }
        if let error = failed[name] { throw error }
        do throws(CELError) {
            let value = try make(name, &budget)
            known[name] = value
            return value
        } catch {
            if error.kind != .budget { failed[name] = error }
            throw error
        }
    }

    private mutating func make(_ name: String, _ budget: inout CELBudget) throws(CELError) -> CELValue {
        if let variable = declared[name] { return try evaluate(variable, &budget) }
        switch name {
        case "object": return face.object.map { CELValue($0) } ?? .null
        case "oldObject": return face.oldObject.map { CELValue($0) } ?? .null
        case "params": return parameter.map { CELValue($0) } ?? .null
        case "namespaceObject": return namespace.map { CELValue($0) } ?? .null
        case "request": return CELValue(AdmissionReview.expressionRequest(request, as: face))
        case "authorizer": return .authorizer(authorizer)
        case "authorizer.requestResource": return .authorizer(authorizer, resource: request.authorizedResource)
        default: return try variables(&budget)
        }
    }

    /// `variables` as a whole, which only few expressions look at.
    private mutating func variables(_ budget: inout CELBudget) throws(CELError) -> CELValue {
        var values: [String: CELValue] = [:]
        for (name, variable) in declared { values[variable.name] = try value(of: name, budget: &budget) }
        return .map(CELMap(values))
    }

    /// A failure is an error of the expression that asked.
    private mutating func evaluate(_ variable: Variable, _ budget: inout CELBudget) throws(CELError) -> CELValue {
        guard depth < Self.deepest else { throw CELError("variables refer to each other too deeply") }
        depth += 1
        defer { depth -= 1 }
        let name = GoText.quoted(variable.name)
        do throws(CELError) {
            return try variable.expression.program.get().evaluate(&self, budget: &budget)
        } catch {
            if error.kind == .budget { throw error }
            let stage = error.isCompileError ? "compile" : "evaluate"
            let why = error.isCompileError ? error.problem : error.description
            throw CELError("composited variable \(name) fails to \(stage): \(why)")
        }
    }
}

extension AdmissionRequest {
    fileprivate var authorizedResource: CELAuthorizationQuery {
        var query = CELAuthorizationQuery()
        query.group = requestResource.group
        query.resource = requestResource.resource
        query.subresource = subresource ?? ""
        query.namespace = subject.namespace
        query.name = name
        return query
    }
}
