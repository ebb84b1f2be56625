import APIMachinery
import Client

/// Which requests a webhook or a policy wants to see: rules, selectors and how strictly versions count
/// (`admissionregistration.k8s.io/v1`: `MutatingWebhook`, `ValidatingWebhook`, `MatchResources`). Pure.
struct AdmissionMatch: Sendable {
    var rules: [AdmissionRule]
    /// What is left out although the rules name it; policies only.
    var excluded: [AdmissionRule]
    /// Whether no rules mean everything, as for a policy, or nothing, as for a webhook.
    var matchesWithoutRules: Bool
    /// Whether rules for one version catch requests for the same objects in another.
    var isEquivalent: Bool
    var namespaceSelector: LabelSelector
    var objectSelector: LabelSelector

    /// Reads a webhook. Fails when a selector cannot be read.
    init(webhook: Value) throws(SelectorError) {
        self = try Self(webhook, rules: "rules", matchesWithoutRules: false)
    }

    /// Reads a policy's `matchConstraints`, or a binding's `matchResources`.
    init(resources: Value) throws(SelectorError) {
        self = try Self(resources, rules: "resourceRules", matchesWithoutRules: true)
    }

    private init(_ value: Value, rules: String, matchesWithoutRules: Bool) throws(SelectorError) {
        self.rules = (value[rules]?.array ?? []).map(AdmissionRule.init)
        excluded = (value["excludeResourceRules"]?.array ?? []).map(AdmissionRule.init)
        self.matchesWithoutRules = matchesWithoutRules
        isEquivalent = value["matchPolicy"]?.string != "Exact"
        namespaceSelector = try Self.selector(value["namespaceSelector"])
        objectSelector = try Self.selector(value["objectSelector"])
    }

    /// No selector selects everything here, whatever it means elsewhere.
    private static func selector(_ value: Value?) throws(SelectorError) -> LabelSelector {
        guard let value, !value.isNull else { return .everything }
        return try LabelSelector(object: value)
    }

    /// The resource as which the request is to be shown, or `nil` when it is of no concern.
    ///
    /// - Parameters:
    ///   - equivalents: the other versions of the same objects that are served, asked for only when they matter.
    ///   - namespaceLabels: the labels of a namespace, or `nil` when there is none of that name.
    /// - Throws: 404 when a selector is to be judged by a namespace that does not exist.
    func match(
        _ request: AdmissionSubject, equivalents: () -> [GroupVersionResource],
        namespaceLabels: (String) -> Fields?
    ) throws(Status) -> GroupVersionResource? {
        guard selectsObject(request) else { return nil }
        guard let resource = matchRules(request, equivalents) else { return nil }
        return try selectsNamespace(request, namespaceLabels) ? resource : nil
    }

    private func matchRules(
        _ request: AdmissionSubject, _ equivalents: () -> [GroupVersionResource]
    ) -> GroupVersionResource? {
        if find(excluded, request, equivalents) != nil { return nil }
        if rules.isEmpty, matchesWithoutRules { return request.resource }
        return find(rules, request, equivalents)
    }

    /// The version that was asked for counts first, then the first rule that names another one.
    private func find(
        _ rules: [AdmissionRule], _ request: AdmissionSubject, _ equivalents: () -> [GroupVersionResource]
    ) -> GroupVersionResource? {
        guard !rules.isEmpty else { return nil }
        if rules.contains(where: { $0.matches(request, as: request.resource) }) { return request.resource }
        guard isEquivalent else { return nil }
        let others = equivalents().filter { $0 != request.resource }
        for rule in rules {
            if let other = others.first(where: { rule.matches(request, as: $0) }) { return other }
        }
        return nil
    }

    /// Either version may carry the labels. The options of a connection cannot: they are not selected, whatever the
    /// selector says of labels that are not there.
    private func selectsObject(_ request: AdmissionSubject) -> Bool {
        if objectSelector.matchesEverything { return true }
        guard request.operation != WriteRequest.Verb.connect.rawValue else { return false }
        return [request.object, request.oldObject].contains { object in
            guard let object else { return false }
            return objectSelector.matches(object.at("metadata", "labels")?.fields ?? Fields())
        }
    }

    private func selectsNamespace(
        _ request: AdmissionSubject, _ namespaceLabels: (String) -> Fields?
    ) throws(Status) -> Bool {
        // What lives in no namespace, and is none, is never left out by its namespace.
        if namespaceSelector.matchesEverything || (request.namespace.isEmpty && !request.isNamespace) { return true }
        // A namespace that is being written counts with the labels that it will have.
        if request.isNamespace, request.subresource.isEmpty, request.operation != "DELETE", let object = request.object {
            return namespaceSelector.matches(object.at("metadata", "labels")?.fields ?? Fields())
        }
        guard let labels = namespaceLabels(request.namespace) else {
            throw .notFound(
                GroupVersionResource(group: "", version: "v1", resource: "namespaces"), request.namespace)
        }
        return namespaceSelector.matches(labels)
    }
}
