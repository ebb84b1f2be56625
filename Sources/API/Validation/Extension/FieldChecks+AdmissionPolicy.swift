import APIMachinery

// Policies of admission and their bindings (KEP-3488, KEP-3962). What expressions say is checked in
// `FieldChecks+Expressions.swift`.
extension FieldChecks {
    private static let mostAnnotations = 20
    private static let longestAnnotation = 5 * 1024

    mutating func validatingPolicy(_ policy: Value) {
        defer { policyExpressions(policy, makesPatches: false) }
        let spec = policy["spec"]
        policyBasics(spec)
        variables(spec["variables"])
        let (validations, annotations) = (spec["validations"], spec["auditAnnotations"])
        if !validations.isFilled, !annotations.isFilled {
            let why = "validations or auditAnnotations must contain at least one item"
            missing("spec.validations", why)
            missing("spec.auditAnnotations", why)
        }
        for (validation, path) in validations.elements("spec.validations") { self.validation(validation, path) }
        if annotations.items.count > Self.mostAnnotations {
            let why = "must not have more than \(Self.mostAnnotations) auditAnnotations"
            invalid("spec.auditAnnotations", annotations, why)
        }
        var keys: Set<String> = []
        for (annotation, path) in annotations.elements("spec.auditAnnotations") {
            let key = annotation["key"].text
            name(policy.at("metadata", "name").text + "/" + key, .qualifiedName, path + ".key")
            if !keys.insert(key).inserted { duplicate(path + ".key", .string(key)) }
            let text = Self.trimmedExpression(annotation["valueExpression"])
            if text.isEmpty {
                missing(path + ".valueExpression", "valueExpression is not specified")
            } else if text.utf8.count > Self.longestAnnotation {
                missing(path + ".valueExpression", "must not exceed \(Self.longestAnnotation) bytes in length")
            }
        }
    }

    mutating func mutatingPolicy(_ policy: Value) {
        defer { policyExpressions(policy, makesPatches: true) }
        let spec = policy["spec"]
        policyBasics(spec)
        require(spec["reinvocationPolicy"], "spec.reinvocationPolicy")
        variables(spec["variables"])
        require(spec["mutations"], "spec.mutations", "mutations must contain at least one item")
        for (mutation, path) in spec["mutations"].elements("spec.mutations") { self.mutation(mutation, path) }
    }

    // MARK: - Parts of a policy

    private mutating func policyBasics(_ spec: Value?) {
        require(spec["failurePolicy"], "spec.failurePolicy")
        if let kind = spec["paramKind"] { parameterKind(kind, "spec.paramKind") }
        if let constraints = spec["matchConstraints"] {
            matchResources(constraints, "spec.matchConstraints")
            require(constraints["resourceRules"], "spec.matchConstraints.resourceRules")
        } else {
            missing("spec.matchConstraints")
        }
        matchConditions(spec["matchConditions"], "spec.matchConditions")
    }

    private mutating func parameterKind(_ kind: Value, _ path: String) {
        let version = kind["apiVersion"].text
        let parts = version.split(separator: "/", omittingEmptySubsequences: false)
        if version.isEmpty {
            missing(path + ".apiVersion")
        } else if parts.count > 2 {
            invalid(path + ".apiVersion", .string(version), "unexpected GroupVersion string: \(version)")
        } else {
            if parts.count == 2, !parts[0].isEmpty {
                joined(String(parts[0]), .dns1123Subdomain, path + ".apiVersion")
            }
            if let last = parts.last, !last.isEmpty {
                joined(String(last), .dns1035Label, path + ".apiVersion")
            } else {
                invalid(path + ".apiVersion", .string(version), "version must be specified")
            }
        }
        guard require(kind["kind"], path + ".kind") else { return }
        let problems = NameRule.dns1035Label.problems(in: kind["kind"].text.lowercased())
        guard !problems.isEmpty else { return }
        let why = "may have mixed case, but should otherwise match: "
        invalid(path + ".kind", kind["kind"], why + problems.joined(separator: ","))
    }

    /// All that is wrong with a name as one error.
    private mutating func joined(_ text: String, _ rule: NameRule, _ path: String) {
        let problems = rule.problems(in: text)
        if !problems.isEmpty { invalid(path, .string(text), problems.joined(separator: ",")) }
    }

    private mutating func matchResources(_ match: Value, _ path: String) {
        require(match["matchPolicy"], path + ".matchPolicy")
        for key in ["namespaceSelector", "objectSelector"] {
            if let selector = match[key] {
                self.selector(selector, "\(path).\(key)")
            } else {
                missing("\(path).\(key)")
            }
        }
        for key in ["resourceRules", "excludeResourceRules"] {
            for (rule, path) in match[key].elements("\(path).\(key)") { namedRule(rule, path) }
        }
    }

    private mutating func namedRule(_ rule: Value, _ path: String) {
        var names: Set<String> = []
        for (name, path) in rule["resourceNames"].elements(path + ".resourceNames") {
            self.name(name.string ?? "", .pathSegment, path)
            if !names.insert(name.string ?? "").inserted { duplicate(path, name) }
        }
        admissionRule(rule, path)
    }

    /// Words of CEL, now or some day (CEL specification, "Syntax").
    private static let reservedWords = Set(
        ("true false null in as break const continue else for function if import let loop package namespace return var "
            + "void while").split(separator: " "))

    private mutating func variables(_ variables: Value?) {
        var names: Set<String> = []
        for (variable, path) in variables.elements("spec.variables") {
            let name = variable["name"].text
            if Self.trimmedExpression(.string(name)).isEmpty {
                missing(path + ".name", "name is not specified")
            } else if !NameRule.cIdentifier.accepts(name) || Self.reservedWords.contains(name[...]) {
                invalid(path + ".name", .string(name), "name is not a valid CEL identifier")
            } else if !names.insert(name).inserted {
                duplicate(path + ".name", .string(name))
            }
            expression(variable["expression"], path + ".expression")
        }
    }

    private mutating func expression(_ text: Value?, _ path: String) {
        if Self.trimmedExpression(text).isEmpty { missing(path, "expression is not specified") }
    }

    private static func trimmedExpression(_ value: Value?) -> Substring {
        let start = value.text[...].drop(while: \.isWhitespace)
        guard let end = start.lastIndex(where: { !$0.isWhitespace }) else { return "" }
        return start[...end]
    }

    private mutating func validation(_ validation: Value, _ path: String) {
        expression(validation["expression"], path + ".expression")
        let (message, made) = (validation["message"], validation["messageExpression"])
        if !made.text.isEmpty, Self.trimmedExpression(made).isEmpty {
            invalid(path + ".messageExpression", made, "must be non-empty if specified")
        }
        let trimmed = Self.trimmedExpression(message)
        if !message.text.isEmpty, trimmed.isEmpty {
            invalid(path + ".message", message, "message must be non-empty if specified")
        } else if trimmed.contains(where: \.isNewline) {
            invalid(path + ".message", message, "message must not contain line breaks")
        }
        let reasons = ["Forbidden", "Invalid", "RequestEntityTooLarge", "Unauthorized"]
        oneOf(validation["reason"], reasons, path + ".reason")
    }

    private static let mutationFields = [("ApplyConfiguration", "applyConfiguration"), ("JSONPatch", "jsonPatch")]

    private mutating func mutation(_ mutation: Value, _ path: String) {
        let type = mutation["patchType"].text
        guard require(.string(type), path + ".patchType") else { return }
        guard Self.mutationFields.contains(where: { $0.0 == type }) else {
            return unsupported(path + ".patchType", .string(type), Self.mutationFields.map(\.0))
        }
        for (name, field) in Self.mutationFields {
            let path = "\(path).\(field)"
            switch (name == type, mutation[field]) {
            case (true, nil): missing(path, "must be specified when patchType is \(type)")
            case (true, let patch?): expression(patch["expression"], path + ".expression")
            case (false, _?):
                invalid(path, .string("{\(field)}"), "must not be specified when patchType is \(type)")
            case (false, nil): break
            }
        }
    }

    // MARK: - Bindings

    mutating func validatingBinding(_ binding: Value) {
        policyBinding(binding["spec"])
        let actions = binding["spec"]["validationActions"]
        let path = "spec.validationActions"
        var seen: Set<String> = []
        for (action, path) in actions.elements(path) where !seen.insert(action.string ?? "").inserted {
            duplicate(path, action)
        }
        if seen.isSuperset(of: ["Deny", "Warn"]) {
            let why = "must not contain both Deny and Warn (repeating the same validation failure information in the "
                + "API response and headers serves no purpose)"
            invalid(path, actions, why)
        }
        require(actions, path, "at least one validation action is required")
    }

    mutating func mutatingBinding(_ binding: Value) { policyBinding(binding["spec"]) }

    private mutating func policyBinding(_ spec: Value?) {
        requiredName(spec["policyName"], .dns1123Subdomain, "spec.policyName")
        if let reference = spec["paramRef"] { parameterReference(reference, "spec.paramRef") }
        if let match = spec["matchResources"] { matchResources(match, "spec.matchResouces") }
    }

    private mutating func parameterReference(_ reference: Value, _ path: String) {
        let (name, selector) = (reference["name"].text, reference["selector"])
        optionalName(.string(name), .pathSegment, path + ".name")
        if let selector { self.selector(selector, path + ".selector") }
        if !name.isEmpty, selector != nil {
            for key in ["name", "selector"] { forbid("\(path).\(key)", "name and selector are mutually exclusive") }
        }
        if name.isEmpty, selector == nil { missing(path, "one of name or selector must be specified") }
        if require(reference["parameterNotFoundAction"], path + ".parameterNotFoundAction") {
            oneOf(reference["parameterNotFoundAction"], ["Allow", "Deny"], path + ".parameterNotFoundAction")
        }
    }
}
