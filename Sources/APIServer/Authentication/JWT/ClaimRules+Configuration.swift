import APIMachinery
import CEL
import Support

extension ClaimRules {
    /// Reads `claimValidationRules`, `claimMappings` and `userValidationRules` of an authenticator. Faults begin with the
    /// path of the part at fault.
    init(_ value: Value) throws(Fault) {
        let mappings = value["claimMappings"] ?? .emptyObject
        self.init(username: try Self.source(mappings["username"] ?? .emptyObject, "claimMappings.username"))
        if case .nowhere = username {
            throw Fault(.invalid, "claimMappings.username: claim or expression is required")
        }
        groups = try Self.source(mappings["groups"] ?? .emptyObject, "claimMappings.groups")
        uid = try Self.source(mappings["uid"] ?? .emptyObject, "claimMappings.uid", needsPrefix: false)
        for (index, entry) in (mappings["extra"]?.array ?? []).enumerated() {
            try takeExtra(entry, "claimMappings.extra[\(index)]")
        }
        for (index, rule) in (value["claimValidationRules"]?.array ?? []).enumerated() {
            try takeRule(rule, "claimValidationRules[\(index)]")
        }
        for (index, rule) in (value["userValidationRules"]?.array ?? []).enumerated() {
            let path = "userValidationRules[\(index)].expression"
            guard let source = rule["expression"]?.string, !source.isEmpty else {
                throw Fault(.invalid, "\(path): Required value")
            }
            let program = try Self.compile(source, path, in: Self.userEnvironment, returning: .bool)
            try Self.add(Check(program: program, message: rule["message"]?.string ?? ""), path, to: &userChecks)
        }
        try checkEmail()
    }

    private static func source(_ value: Value, _ path: String, needsPrefix: Bool = true) throws(Fault) -> Source {
        let (claim, expression) = (value["claim"]?.string ?? "", value["expression"]?.string ?? "")
        switch (claim.isEmpty, expression.isEmpty) {
        case (true, true): return .nowhere
        case (false, false): throw Fault(.invalid, "\(path): claim and expression can't both be set")
        case (true, false):
            guard value["prefix"] == nil else {
                throw Fault(.invalid, "\(path).prefix: may not be specified when expression is set")
            }
            return .expression(try compile(expression, path + ".expression", in: claimsEnvironment))
        case (false, true):
            let prefix = value["prefix"]?.string
            guard prefix != nil || !needsPrefix else {
                throw Fault(
                    .invalid,
                    "\(path).prefix: prefix is required when claim is set. It can be set to an empty string to disable "
                        + "prefixing")
            }
            return .claim(claim, prefix: prefix ?? "")
        }
    }

    private mutating func takeExtra(_ entry: Value, _ path: String) throws(Fault) {
        let key = entry["key"]?.string ?? ""
        let quoted = GoText.quoted(key)
        let parts = key.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        guard parts.count == 2, !parts[1].isEmpty, NameRule.dns1123Subdomain.problems(in: parts[0]).isEmpty else {
            throw Fault(.invalid, "\(path).key: \(quoted) must be a domain-prefixed path (such as \"acme.io/foo\")")
        }
        guard key == key.lowercased() else { throw Fault(.invalid, "\(path).key: \(quoted) must be lowercase") }
        for reserved in ["kubernetes.io", "k8s.io"] where parts[0] == reserved || parts[0].hasSuffix("." + reserved) {
            throw Fault(
                .invalid, "\(path).key: k8s.io, kubernetes.io and their subdomains are reserved for Kubernetes use")
        }
        guard !extra.contains(where: { $0.key == key }) else {
            throw Fault(.invalid, "\(path).key: Duplicate value: \(quoted)")
        }
        guard let source = entry["valueExpression"]?.string, !source.isEmpty else {
            throw Fault(.invalid, "\(path).valueExpression: Required value")
        }
        extra.append((key, try Self.compile(source, path + ".valueExpression", in: Self.claimsEnvironment)))
    }

    private mutating func takeRule(_ rule: Value, _ path: String) throws(Fault) {
        let (claim, source) = (rule["claim"]?.string ?? "", rule["expression"]?.string ?? "")
        switch (claim.isEmpty, source.isEmpty) {
        case (true, true): throw Fault(.invalid, "\(path): claim or expression is required")
        case (false, false): throw Fault(.invalid, "\(path): claim and expression can't both be set")
        case (false, true):
            guard rule["message"] == nil else {
                throw Fault(.invalid, "\(path).message: may not be specified when claim is set")
            }
            guard !required.contains(where: { $0.claim == claim }) else {
                throw Fault(.invalid, "\(path).claim: Duplicate value: \(GoText.quoted(claim))")
            }
            required.append((claim, rule["requiredValue"]?.string ?? ""))
        case (true, false):
            guard rule["requiredValue"] == nil else {
                throw Fault(.invalid, "\(path).requiredValue: may not be specified when expression is set")
            }
            let path = path + ".expression"
            let program = try Self.compile(source, path, in: Self.claimsEnvironment, returning: .bool)
            try Self.add(Check(program: program, message: rule["message"]?.string ?? ""), path, to: &claimChecks)
        }
    }

    private static func add(_ check: Check, _ path: String, to checks: inout [Check]) throws(Fault) {
        guard !checks.contains(where: { $0.program.source == check.program.source }) else {
            throw Fault(.invalid, "\(path): Duplicate value: \(GoText.quoted(check.program.source))")
        }
        checks.append(check)
    }

    private static func compile(
        _ source: String, _ path: String, in environment: CELEnvironment, returning: CELType = .dyn
    ) throws(Fault) -> CELProgram {
        do throws(CELError) {
            return try CELProgram(source, in: environment, returning: returning)
        } catch {
            throw Fault(.invalid, "\(path): \(error.kind == .resultType ? "" : "compilation failed: ")\(error)")
        }
    }

    /// Who takes an e-mail address for a name must look whether it was verified.
    private func checkEmail() throws(Fault) {
        guard case .expression(let name) = username, name.selects("email", of: "claims") else { return }
        let others = extra.map(\.program) + claimChecks.map(\.program)
        guard ([name] + others).contains(where: { $0.selects("email_verified", of: "claims") }) else {
            throw Fault(
                .invalid,
                "claimMappings.username.expression: claims.email_verified must be used in "
                    + "claimMappings.username.expression or claimMappings.extra[*].valueExpression or "
                    + "claimValidationRules[*].expression when claims.email is used in claimMappings.username.expression")
        }
    }
}
