import APIMachinery
import CEL

// What expressions of webhooks and policies say: each must compile, to the type that is wanted there.
extension FieldChecks {
    /// The type that an expression comes to; `dyn` when it does not compile, so that others do not complain about it too.
    @discardableResult
    mutating func compile(
        _ source: Value?, _ path: @autoclosure () -> String, in environment: AdmissionEnvironment, to types: CELType...
    ) -> CELType {
        guard let source, !source.isBlank else { return .dyn }
        do throws(CELError) {
            return try environment.compile(source.string ?? "", returning: types).resultType
        } catch {
            invalid(path(), source, error.problem)
            return .dyn
        }
    }

    /// The expressions of match conditions, once their names are in order.
    mutating func compileConditions(_ conditions: Value?, _ path: String, in environment: AdmissionEnvironment) {
        for (condition, path) in conditions.elements(path) {
            compile(condition["expression"], path + ".expression", in: environment, to: .bool)
        }
    }

    /// The expressions of a policy of either kind.
    mutating func policyExpressions(_ policy: Value, makesPatches: Bool) {
        let spec = policy["spec"]
        var environment = AdmissionEnvironment(
            hasParameters: spec["paramKind"] != nil, hasAuthorizer: true, makesPatches: makesPatches)
        compileConditions(spec["matchConditions"], "spec.matchConditions", in: environment)
        for (variable, path) in spec["variables"].elements("spec.variables") {
            let type = compile(variable["expression"], path + ".expression", in: environment, to: .dyn)
            environment.declare(variable["name"]?.string ?? "", type)
        }
        for (validation, path) in spec["validations"].elements("spec.validations") {
            compile(validation["expression"], path + ".expression", in: environment, to: .bool)
            compile(
                validation["messageExpression"], path + ".messageExpression", in: environment.withoutAuthorizer,
                to: .string)
        }
        for (annotation, path) in spec["auditAnnotations"].elements("spec.auditAnnotations") {
            compile(annotation["valueExpression"], path + ".valueExpression", in: environment, to: .string, .null)
        }
        for (mutation, path) in spec["mutations"].elements("spec.mutations") {
            compile(
                mutation.at("applyConfiguration", "expression"), path + ".applyConfiguration.expression",
                in: environment, to: AdmissionEnvironment.appliedObject)
            compile(
                mutation.at("jsonPatch", "expression"), path + ".jsonPatch.expression", in: environment,
                to: AdmissionEnvironment.patch)
        }
    }
}

extension Value {
    /// Expressions that say nothing are complained about where they are missed.
    fileprivate var isBlank: Bool { string?.allSatisfy(\.isWhitespace) ?? true }
}
