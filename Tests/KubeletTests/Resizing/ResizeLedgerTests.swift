import Support
import Testing

@testable import Kubelet

@Suite struct ResizeLedgerTests {
    /// A node of one core and 1000 bytes.
    private static func ledger(_ given: [String: (Int64, Int64)]) -> ResizeLedger {
        var ledger = ResizeLedger(allocatable: ResourceAmounts(processors: 1000, memory: 1000))
        for (uid, amounts) in given {
            #expect(ledger.note(uid, ResourceAmounts(processors: amounts.0, memory: amounts.1)) == [])
        }
        return ledger
    }

    private static func wish(
        _ processors: Int64, _ memory: Int64, priority: Int = 0, guaranteed: Bool = false, since: Int64 = 0
    ) -> ResizeLedger.Wish {
        ResizeLedger.Wish(
            amounts: ResourceAmounts(processors: processors, memory: memory), priority: priority,
            isGuaranteed: guaranteed, since: Timestamp(seconds: since))
    }

    private static func pending(_ reason: PendingResize.Reason, _ message: String) -> ResizeLedger.Answer {
        .pending(PendingResize(reason: reason, message: message))
    }

    @Test(arguments: [
        (Int64(700), Int64(700), nil, ""),
        (1000, 1000, PendingResize.Reason.deferred, "resource: cpu, requested: 1000, used: 300, capacity: 1000"),
        (500, 701, .deferred, "resource: memory, requested: 701, used: 300, capacity: 1000"),
        (1001, 100, .infeasible, "capacity: cpu, requested: 1001, capacity: 1000"),
        (9999, 1001, .infeasible, "capacity: memory, requested: 1001, capacity: 1000"),
        (.max, 1, .infeasible, "capacity: cpu, requested: 9223372036854775807, capacity: 1000"),
    ])
    func `a resize is granted, waits, or never fits`(
        processors: Int64, memory: Int64, reason: PendingResize.Reason?, message: String
    ) {
        var ledger = Self.ledger(["a": (200, 200), "b": (300, 300)])
        let answer = ledger.ask("a", Self.wish(processors, memory))
        let expected = reason.map { Self.pending($0, "Node didn't have enough " + message) } ?? .granted
        #expect(answer == expected)
    }

    @Test func `what was granted is not given away again`() {
        var ledger = Self.ledger(["a": (200, 200), "b": (300, 300)])
        #expect(ledger.ask("a", Self.wish(700, 200)) == .granted)
        #expect(ledger.ask("b", Self.wish(301, 300)) != .granted)
    }

    @Test func `a pod on a node that is too full already may still shrink`() {
        var ledger = Self.ledger(["a": (800, 800), "b": (Int64.max, Int64.max)])
        #expect(ledger.ask("a", Self.wish(700, 800)) == .granted)
        #expect(ledger.ask("a", Self.wish(700, 801)) != .granted)
    }

    @Test func `room goes to those who wait by priority, class and time, as long as it lasts`() {
        var ledger = Self.ledger(["a": (100, 0), "b": (100, 0), "c": (100, 0), "d": (100, 0), "big": (600, 0)])
        #expect(ledger.ask("a", Self.wish(200, 0, since: 1)) != .granted)
        #expect(ledger.ask("b", Self.wish(200, 0, since: 2)) != .granted)
        #expect(ledger.ask("c", Self.wish(200, 0, guaranteed: true, since: 3)) != .granted)
        #expect(ledger.ask("d", Self.wish(900, 0, priority: 9, since: 4)) != .granted)
        #expect(ledger.note("big", ResourceAmounts(processors: 300, memory: 0)) == ["c", "a", "b"])
        // Their workers hear of it when they ask, whatever they say they have until then.
        #expect(ledger.note("c", ResourceAmounts(processors: 100, memory: 0)) == [])
        #expect(ledger.ask("c", Self.wish(200, 0, guaranteed: true)) == .granted)
        #expect(ledger.forget("big") == [])
        #expect(ledger.forget("a") == [] && ledger.forget("b") == [])
        #expect(ledger.forget("c") == ["d"])
    }

    @Test func `who wants no more does not wait any more`() {
        var ledger = Self.ledger(["a": (100, 0), "b": (900, 0)])
        #expect(ledger.ask("a", Self.wish(200, 0)) != .granted)
        ledger.withdraw("a")
        #expect(ledger.forget("b") == [])
    }
}
