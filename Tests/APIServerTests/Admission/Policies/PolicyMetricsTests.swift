import APIMachinery
import Support
import Testing

@testable import APIServer

/// The figures of policies, as `/metrics` shows them.
@Suite struct PolicyMetricsTests {
    /// The samples of `check_total`, without the name.
    private static func totals(_ metrics: PolicyMetrics, _ kind: String) -> [String] {
        var text = MetricText()
        metrics.write(to: &text)
        let prefix = "apiserver_\(kind)_admission_policy_check_total{"
        return String(decoding: text.bytes, as: UTF8.self).split(separator: "\n").filter { $0.hasPrefix(prefix) }
            .map { String($0.dropFirst(prefix.count)) }
    }

    private static func series(_ error: String, _ enforcement: String? = nil, _ count: Int = 1) -> String {
        let action = enforcement.map { ",enforcement_action=\"\($0)\"" } ?? ""
        return "policy=\"p\",policy_binding=\"p-binding\",error_type=\"\(error)\"\(action)} \(count)"
    }

    /// Validations, the policy's other fields, the binding's actions, and what is counted.
    @Test(arguments: [
        (["true"], [:], ["Deny"], []),
        (["true", "false"], [:], ["Deny"], [series("invalid_error", "deny")]),
        (
            ["false", "false"], [:], ["Warn", "Audit"],
            [series("invalid_error", "audit", 2), series("invalid_error", "warn", 2)]
        ),
        (["object.none > 1"], [:], ["Deny"], [series("invalid_error", "deny")]),
        (["object.none > 1"], ["failurePolicy": "Ignore"], ["Deny"], [series("invalid_error", "allow")]),
        (["object."], [:], ["Deny"], [series("compile_error", "deny")]),
        (
            ["true"], ["auditAnnotations": [["key": "k", "valueExpression": "string(object.none)"]]], ["Warn"],
            [series("invalid_error", "deny")]
        ),
        (
            ["true"], ["matchConditions": [["name": "c", "expression": "object."]]], ["Deny"],
            [series("compile_error", "deny")]
        ),
    ] as [([String], Value, [String], [String])])
    func `what does not simply hold is counted`(
        validations: [String], more: Value, actions: [String], expected: [String]
    ) async {
        var world = PolicyWorld()
        var spec = more
        spec["validations"] = .array(validations.map { ["expression": .string($0)] })
        world.add("p", spec, binding: ["validationActions": Value(actions)])
        let plugins = world.plugins
        do throws(Status) {
            try await plugins.validating.validate(PolicyWorld.request())
        } catch {
            #expect(error.message.contains("denied request"))
        }
        #expect(Self.totals(plugins.metrics, "validating") == expected)
    }

    @Test func `mutations are counted, good and bad, and timed`() async throws {
        var world = PolicyWorld()
        func mutation(_ source: String) -> Value {
            ["patchType": "JSONPatch", "jsonPatch": ["expression": .string(source)]]
        }
        let good = mutation("[JSONPatch{op: 'add', path: '/spec/x', value: 1}]")
        let failing = mutation("[JSONPatch{op: 'add', path: object.none, value: 1}]")
        world.add("p", ["failurePolicy": "Ignore", "mutations": [good, good, failing, mutation("object.")]])
        let plugins = world.plugins
        var request = PolicyWorld.request()
        try await plugins.mutating.admit(&request)
        #expect(
            Self.totals(plugins.metrics, "mutating") == [
                Self.series("compile_error"), Self.series("invalid_error"), Self.series("no_error", nil, 2),
            ])
        var text = MetricText()
        plugins.metrics.write(to: &text)
        let bucket = "apiserver_mutating_admission_policy_check_duration_seconds_bucket{policy=\"p\","
            + "policy_binding=\"p-binding\",error_type=\"no_error\",le=\"+Inf\"} 2"
        #expect(String(decoding: text.bytes, as: UTF8.self).contains(bucket))
    }
}
