import API
import APIMachinery
import Client
import Support
import Testing

@testable import APIServer

@Suite struct FlowPlanTests {
    private static let plan = FlowPlan(now: Timestamp(seconds: 1_800_000_000))
    private static let mark = "apf.kubernetes.io/autoupdate-spec"

    /// What is there when everything is as it should be.
    private static func present() -> (schemas: [String: Value], levels: [String: Value]) {
        var (schemas, levels): ([String: Value], [String: Value]) = ([:], [:])
        for case .create(let resource, let object) in plan.steps(schemas: [:], levels: [:]) {
            let name = object.at("metadata", "name")?.string ?? ""
            if resource == .flowSchemas { schemas[name] = object } else { levels[name] = object }
        }
        return (schemas, levels)
    }

    @Test func `what is missing is made, and what is right is left alone`() {
        let (schemas, levels) = Self.present()
        #expect(schemas.count == 13)
        #expect(levels.count == 8)
        #expect(Self.plan.steps(schemas: schemas, levels: levels) == [])
    }

    @Test(arguments: [
        ("system", "true", 2, true), ("system", nil, 1, true), ("system", nil, 2, false), ("system", "false", 1, false),
        ("exempt", "false", 2, true), ("catch-all", nil, 2, true),
    ] as [(String, String?, Int64, Bool)])
    func `a spec is put right where its users have not taken it over`(
        name: String, word: String?, generation: Int64, isPutRight: Bool
    ) throws {
        var (schemas, levels) = Self.present()
        var level = try #require(levels[name])
        let right = level["spec"]
        level["metadata"] = ["name": .string(name), "generation": .integer(generation)]
        if let word { level[path: ["metadata", "annotations", Self.mark]] = .string(word) }
        level["spec"] = ["type": "Limited", "limited": ["nominalConcurrencyShares": 7]]
        levels[name] = level
        schemas["other"] = [:]
        let steps = Self.plan.steps(schemas: schemas, levels: levels)
        #expect(steps.count == (isPutRight ? 1 : 0))
        if case .update(_, let object)? = steps.first {
            #expect(object["spec"] == right)
            #expect(object.at("metadata", "annotations", Self.mark) == "true")
        }
    }

    @Test func `what the exempt level counts for is its users' to set`() throws {
        var (schemas, levels) = Self.present()
        levels["exempt"]?[path: ["metadata", "annotations", Self.mark]] = "false"
        levels["exempt"]?["spec"] = ["type": "Exempt", "exempt": ["nominalConcurrencyShares": 7, "lendablePercent": 50]]
        #expect(Self.plan.steps(schemas: schemas, levels: levels) == [])
        levels["exempt"]?[path: ["spec", "type"]] = "Limited"
        guard case .update(_, let object)? = Self.plan.steps(schemas: schemas, levels: levels).first else {
            Issue.record("the type is not put right")
            return
        }
        #expect(object["spec"] == ["type": "Exempt", "exempt": ["nominalConcurrencyShares": 7, "lendablePercent": 50]])
        schemas["exempt"] = nil
        #expect(Self.plan.steps(schemas: schemas, levels: levels).count == 2)
    }

    @Test func `a schema says whether its level is there, and since when`() throws {
        var schema: Value = ["metadata": ["name": "s"], "spec": ["priorityLevelConfiguration": ["name": "l"]]]
        func condition(_ levels: [String: Value]) throws -> Value? {
            let steps = Self.plan.statusSteps(schemas: ["s": schema], levels: levels)
            guard case .updateStatus(_, let object)? = steps.first else { return nil }
            schema = object
            return object.at("status", "conditions")?.array?.first
        }
        #expect(try condition([:])?["status"] == "True")
        #expect(try condition([:]) == nil)
        let found = try #require(try condition(["l": [:]]))
        #expect(found["status"] == "False")
        #expect(found["reason"] == "Found")
        #expect(found["lastTransitionTime"] == "2027-01-15T08:00:00Z")
    }
}
