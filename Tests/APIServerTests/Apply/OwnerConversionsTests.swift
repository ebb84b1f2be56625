import APIMachinery
import Synchronization
import Testing

@testable import APIServer

/// Decisions that take forms of objects which only a server outside can make.
@Suite struct OwnerConversionsTests {
    /// A server outside that marks what it converts, or fails.
    private final class Form: StoredForm {
        let asked = Mutex<[String]>([])
        let fails: Bool

        init(fails: Bool) { self.fails = fails }

        var isRemote: Bool { true }
        func isCurrent(_ object: StoredObject) -> Bool { true }
        func present(_ object: StoredObject) -> StoredObject? { object }
        func present(_ objects: [StoredObject]) async throws(Status) -> [StoredObject] { objects }
        func stored(_ object: Value) async throws(Status) -> Value { object }

        func converted(_ objects: [Value], to apiVersion: String) async throws(Status) -> [Value] {
            asked.withLock { $0.append(apiVersion) }
            if fails { throw .internalError("no answer") }
            return objects.map { OwnerConversionsTests.form(of: $0, in: apiVersion, isConverted: true) }
        }
    }

    private static func form(of object: Value, in apiVersion: String, isConverted: Bool = false) -> Value {
        var new = object
        new["apiVersion"] = .string(apiVersion)
        if isConverted { new["converted"] = true }
        return new
    }

    private static let old: Value = ["apiVersion": "g/v1", "metadata": ["name": "a"], "spec": 1]
    private static let new: Value = ["apiVersion": "g/v1", "metadata": ["name": "a"], "spec": 2]

    /// Both forms in v2; without one of them it is refused, which only counts when nothing was missed.
    private static func propose(_ conversions: OwnerConversions) throws(Status) -> ResourceStore.Proposal {
        guard let old = conversions.object(Self.old, in: "g/v2"), let new = conversions.object(Self.new, in: "g/v2")
        else { throw .badRequest("too early") }
        let own = conversions.object(old, in: "g/v2") ?? .null
        return ResourceStore.Proposal(object: ["old": old, "new": new, "own": own])
    }

    @Test(arguments: [false, true])
    func `what is missed is asked for once, and then decided`(isApply: Bool) async throws {
        let form = Form(fails: false)
        let conversions = OwnerConversions(form, isApply: isApply)
        for _ in 0..<2 {
            let made = try await conversions.decide { () throws(Status) in try Self.propose(conversions) }
            let old = Self.form(of: Self.old, in: "g/v2", isConverted: true)
            #expect(made.object["old"] == old)
            #expect(made.object["new"] == Self.form(of: Self.new, in: "g/v2", isConverted: true))
            #expect(made.object["own"] == old)
        }
        #expect(form.asked.withLock(\.self) == ["g/v2", "g/v2"])
    }

    @Test func `without an answer an apply fails, and any other write takes equal names for the same`() async throws {
        let form = Form(fails: true)
        let update = OwnerConversions(form, isApply: false)
        let made = try await update.decide { () throws(Status) in try Self.propose(update) }
        #expect(made.object["old"] == Self.form(of: Self.old, in: "g/v2"))
        #expect(made.object["new"] == Self.form(of: Self.new, in: "g/v2"))
        #expect(form.asked.withLock(\.self).count == 1)
        let apply = OwnerConversions(form, isApply: true)
        let refusal = await #expect(throws: Status.self) {
            _ = try await apply.decide { () throws(Status) in try Self.propose(apply) }
        }
        #expect(refusal?.code == 500)
    }

    @Test func `a refusal that has nothing to do with other versions is told, and nobody is asked`() async throws {
        let form = Form(fails: false)
        let conversions = OwnerConversions(form, isApply: false)
        let refusal = await #expect(throws: Status.self) {
            _ = try await conversions.decide { () throws(Status) in throw Status.badRequest("not so") }
        }
        #expect(refusal?.message == "not so")
        // Outside of a decision nobody waits for an answer.
        #expect(conversions.object(Self.old, in: "g/v2") == Self.form(of: Self.old, in: "g/v2"))
        #expect(form.asked.withLock(\.self) == [])
    }
}
