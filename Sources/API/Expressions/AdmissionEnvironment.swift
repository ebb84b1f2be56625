public import CEL

/// What the expressions of admission may name: match conditions of webhooks, policies (KEP-3488, KEP-3716, KEP-3962).
///
/// `object`, `oldObject` and `params` are `dyn`: what they are differs from request to request.
public struct AdmissionEnvironment: Sendable {
    /// `params`; there when a policy names a `paramKind`.
    public var hasParameters: Bool
    /// `authorizer` and `authorizer.requestResource`.
    public var hasAuthorizer: Bool
    /// `Object{...}` and `JSONPatch{...}`, which only mutating policies make.
    public var makesPatches: Bool
    /// What `object` and `oldObject` are, where that is known; for warnings only.
    var objectType = CELType.dyn
    /// What a policy declared before the expression: `variables.name`.
    public private(set) var variables: [String: CELType] = [:]

    public init(hasParameters: Bool = false, hasAuthorizer: Bool = true, makesPatches: Bool = false) {
        self.hasParameters = hasParameters
        self.hasAuthorizer = hasAuthorizer
        self.makesPatches = makesPatches
    }

    /// The same for an expression that must do without the authorizer.
    public var withoutAuthorizer: AdmissionEnvironment {
        var copy = self
        copy.hasAuthorizer = false
        return copy
    }

    /// From here on `variables.name` is declared.
    public mutating func declare(_ name: String, _ type: CELType) { variables[name] = type }

    /// Compiles an expression, which must come to one of some types.
    public func compile(_ source: String, returning types: [CELType]) throws(CELError) -> CELProgram {
        try CELProgram(source, in: environment, returningOneOf: types)
    }

    private var environment: CELEnvironment {
        var declared: [String: CELType] = [
            "object": objectType, "oldObject": objectType, "request": .named(Self.request), "namespaceObject": .named(Self.namespace),
            "variables": .named(CELObjectType("kubernetes.variables", fields: variables)),
        ]
        for (name, type) in variables { declared["variables." + name] = type }
        if hasParameters { declared["params"] = .dyn }
        if hasAuthorizer {
            declared["authorizer"] = .authorizer
            declared["authorizer.requestResource"] = .authorizedResource
        }
        let makesPatches = makesPatches
        return CELEnvironment(variables: declared) { makesPatches ? Self.patchType($0) : nil }
    }

    // MARK: - Types

    /// What `applyConfiguration.expression` of a mutation comes to.
    public static let appliedObject = CELType.named(CELObjectType("Object", fields: nil))
    /// What `jsonPatch.expression` of a mutation comes to.
    public static let patch = CELType.list(.named(patchOperation))

    private static let patchOperation = CELObjectType(
        "JSONPatch", fields: ["op": .string, "path": .string, "from": .string, "value": .dyn])

    /// `Object`, `Object.spec`, ...: which fields there are is found out when the object is applied.
    private static func patchType(_ name: String) -> CELObjectType? {
        if name == patchOperation.name { return patchOperation }
        return name == "Object" || name.hasPrefix("Object.") ? CELObjectType(name, fields: nil) : nil
    }

    private static func strings(_ name: String, _ fields: String...) -> CELType {
        .named(CELObjectType(name, fields: Dictionary(uniqueKeysWithValues: fields.map { ($0, .string) })))
    }

    private static let texts = CELType.list(.string)
    private static let textMap = CELType.map(.string, .string)

    /// `admission.k8s.io/v1.AdmissionRequest` without the objects.
    private static let request: CELObjectType = {
        let kind = strings("kubernetes.GroupVersionKind", "group", "version", "kind")
        let resource = strings("kubernetes.GroupVersionResource", "group", "version", "resource")
        let user = CELObjectType(
            "kubernetes.UserInfo",
            fields: ["username": .string, "uid": .string, "groups": texts, "extra": .map(.string, texts)])
        return CELObjectType(
            "kubernetes.AdmissionRequest",
            fields: [
                "kind": kind, "resource": resource, "subResource": .string, "requestKind": kind,
                "requestResource": resource, "requestSubResource": .string, "name": .string, "namespace": .string,
                "operation": .string, "userInfo": .named(user), "dryRun": .bool, "options": .dyn,
            ])
    }()

    /// The namespace of the object, as far as expressions may depend on it.
    private static let namespace: CELObjectType = {
        let metadata = CELObjectType(
            "kubernetes.NamespaceMetadata",
            fields: [
                "name": .string, "generateName": .string, "namespace": .string, "labels": textMap,
                "annotations": textMap, "UID": .string, "creationTimestamp": .timestamp,
                "deletionGracePeriodSeconds": .int, "deletionTimestamp": .timestamp, "generation": .int,
                "resourceVersion": .string, "finalizers": texts,
            ])
        return CELObjectType(
            "kubernetes.Namespace",
            fields: [
                "metadata": .named(metadata),
                "spec": .named(CELObjectType("kubernetes.NamespaceSpec", fields: ["finalizers": texts])),
                "status": strings("kubernetes.NamespaceStatus", "phase"),
            ])
    }()
}

extension CELError {
    /// What is wrong with an expression, as validation and policies say it.
    public var problem: String { kind == .resultType ? description : "compilation failed: \(description)" }
}
