import APIMachinery
import CEL
import Support

/// The conditions in CEL under which a webhook is asked about a request (KEP-3221). They see the request as the variable
/// `request`, which is the `spec` of a `SubjectAccessReview`. Pure.
struct RequestConditions: Sendable {
    private var programs: [CELProgram] = []

    /// No condition: every request matches.
    static let none = RequestConditions()

    private init() {}

    /// Fails with what is wrong with the first expression that does not compile, and where it stands.
    init(_ expressions: [String], at path: String) throws(Fault) {
        for (index, source) in expressions.enumerated() {
            let path = "\(path)[\(index)].expression"
            guard source.contains(where: { !$0.isWhitespace }) else {
                throw Fault(.invalid, "\(path): an expression is needed")
            }
            guard !expressions[..<index].contains(source) else {
                throw Fault(.invalid, "\(path): the expression stands there twice")
            }
            do throws(CELError) {
                programs.append(try CELProgram(source, in: Self.environment, returning: .bool))
            } catch {
                throw Fault(.invalid, "\(path): \(error)")
            }
        }
    }

    enum Match: Hashable, Sendable {
        case matches
        case differs
        case failed(why: String)
    }

    /// One condition that does not hold is enough to let the webhook be, even when others fail.
    func match(_ request: AccessRequest) -> Match {
        guard !programs.isEmpty else { return .matches }
        let variables = ["request": Self.value(request)]
        var budget = CELBudget(CELBudget.matchConditions)
        var failures: [String] = []
        for program in programs {
            do throws(CELError) {
                guard try program.evaluate(variables, budget: &budget).bool == true else { return .differs }
            } catch {
                failures.append("cel evaluation error: expression '\(program.source)' resulted in error: \(error)")
            }
        }
        return failures.isEmpty ? .matches : .failed(why: GoText.aggregate(failures))
    }

    // MARK: What expressions see

    private static let requirement = CELObjectType(
        "kubernetes.SelectorRequirement", fields: ["key": .string, "operator": .string, "values": .list(.string)])

    private static func selector(_ name: String) -> CELObjectType {
        CELObjectType(name, fields: ["rawSelector": .string, "requirements": .list(.named(requirement))])
    }

    private static let fieldSelector = selector("kubernetes.FieldSelectorAttributes")
    private static let labelSelector = selector("kubernetes.LabelSelectorAttributes")

    private static let resource = CELObjectType(
        "kubernetes.ResourceAttributes",
        fields: [
            "namespace": .string, "verb": .string, "group": .string, "version": .string, "resource": .string,
            "subresource": .string, "name": .string, "fieldSelector": .named(fieldSelector),
            "labelSelector": .named(labelSelector),
        ])

    private static let path = CELObjectType(
        "kubernetes.NonResourceAttributes", fields: ["path": .string, "verb": .string])

    private static let environment = CELEnvironment(variables: [
        "request": .named(
            CELObjectType(
                "kubernetes.SubjectAccessReviewSpec",
                fields: [
                    "user": .string, "uid": .string, "groups": .list(.string),
                    "extra": .map(.string, .list(.string)), "resourceAttributes": .named(resource),
                    "nonResourceAttributes": .named(path),
                ]))
    ])

    /// Texts are all there, also the empty ones; selectors only when there are any.
    private static func value(_ request: AccessRequest) -> CELValue {
        var fields: [(name: String, value: CELValue)] = [
            ("user", .string(request.user.name)), ("uid", .string(request.user.uid)),
            ("groups", CELValue(Value(request.user.groups))),
            ("extra", .map(CELMap(request.user.extra.mapValues { CELValue(Value($0)) }))),
        ]
        if request.isResourceRequest {
            let texts = [
                ("namespace", request.namespace), ("verb", request.verb), ("group", request.group),
                ("version", request.version), ("resource", request.resource), ("subresource", request.subresource),
                ("name", request.name),
            ]
            var attributes = texts.map { (name: $0.0, value: CELValue.string($0.1)) }
            let (byFields, byLabels) = (request.selectors.fieldRequirements, request.selectors.labelRequirements)
            if !byFields.isEmpty { attributes.append(("fieldSelector", selector(byFields, fieldSelector))) }
            if !byLabels.isEmpty { attributes.append(("labelSelector", selector(byLabels, labelSelector))) }
            fields.append(("resourceAttributes", .object(CELObject(resource.name, fields: attributes))))
        } else {
            let attributes: [(name: String, value: CELValue)] = [
                ("path", .string(request.path)), ("verb", .string(request.verb)),
            ]
            fields.append(("nonResourceAttributes", .object(CELObject(path.name, fields: attributes))))
        }
        return .object(CELObject("kubernetes.SubjectAccessReviewSpec", fields: fields))
    }

    private static func selector(_ requirements: [Value], _ type: CELObjectType) -> CELValue {
        let list = requirements.map { one in
            CELValue.object(
                CELObject(
                    requirement.name,
                    fields: (one.fields ?? Fields()).map { (name: $0.key, value: CELValue($0.value)) }))
        }
        return .object(CELObject(type.name, fields: [("requirements", .list(CELList(list)))]))
    }
}
