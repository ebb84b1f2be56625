import APIMachinery

/// What may I do in this namespace? (`kubectl auth can-i --list`)
///
/// An overview for people, not a decision: authorisers that cannot list what they allow say that it is incomplete.
struct RulesReview: ResourceAction {
    let authorizer: any Authorizer

    func perform(_ call: Verbs.Call, _ body: Value, _ api: Verbs) async throws(Status) -> Value {
        let namespace = body.at("spec", "namespace")?.string ?? ""
        guard !namespace.isEmpty else { throw .badRequest("no namespace on request") }
        var answer = body
        answer["status"] = Self.status(authorizer.listRules(for: call.user, in: namespace))
        return answer
    }

    /// A `SubjectRulesReviewStatus`. Pure.
    static func status(_ listed: AccessRules) -> Value {
        var (resources, paths): ([Value], [Value]) = ([], [])
        for rule in listed.rules {
            if !rule.nonResourceURLs.isEmpty {
                paths.append(["verbs": Value(rule.verbs), "nonResourceURLs": Value(rule.nonResourceURLs)])
            }
            guard !rule.resources.isEmpty else { continue }
            var entry: Value = [
                "verbs": Value(rule.verbs), "apiGroups": Value(rule.groups), "resources": Value(rule.resources),
            ]
            if !rule.names.isEmpty { entry["resourceNames"] = Value(rule.names) }
            resources.append(entry)
        }
        var status: Value = [
            "resourceRules": .array(resources), "nonResourceRules": .array(paths),
            "incomplete": .bool(listed.isIncomplete),
        ]
        if !listed.problems.isEmpty { status["evaluationError"] = .string(GoText.aggregate(listed.problems)) }
        return status
    }
}
